import { GatewayError } from "../errors.ts";
import { invalidField } from "../json_complaint.ts";
import type { JsonShape } from "../json_shape.ts";
import type { ExchangeFor } from "./exchange.ts";
import { readJsonBody } from "./json_body.ts";
import type { RequestEnvelope } from "./openai_request.ts";
import { passedTo } from "./pass_through.ts";
import { detokenizeBody, infillBody, templateBody, tokenizeBody } from "./schema/llama_utility.ts";

/** The endpoints of llama-server's own that are reached by a model's name. */
export const UTILITY_TARGETS = ["/tokenize", "/detokenize", "/apply-template", "/infill"] as const;

/** One of {@linkcode UTILITY_TARGETS}. */
export type UtilityTarget = typeof UTILITY_TARGETS[number];

/** The envelope of a request to one of them. */
export interface UtilityEnvelope extends RequestEnvelope {
  /** The highest token that it names; `undefined` if it names none. */
  readonly maxToken: number | undefined;
}

/** What such a request says, as far as it is looked at. */
interface UtilityFields {
  readonly model?: string | null | undefined;
  readonly stream?: boolean | null | undefined;
  readonly keep_alive?: number | null | undefined;
  readonly tokens?: readonly number[] | undefined;
}

const SHAPES: Readonly<Record<UtilityTarget, JsonShape<UtilityFields>>> = {
  "/tokenize": tokenizeBody,
  "/detokenize": detokenizeBody,
  "/apply-template": templateBody,
  "/infill": infillBody,
};

const WANTED: Readonly<Record<UtilityTarget, string>> = {
  "/tokenize": "a model and content",
  "/detokenize": "a model and tokens",
  "/apply-template": "a model and messages",
  "/infill": "a model, an input_prefix and an input_suffix",
};

/**
 * Reads the envelope. Only an infill may be a stream.
 *
 * @throws {GatewayError} `invalid_request` naming the field at fault.
 */
export function decodeUtilityEnvelope(target: UtilityTarget, body: Uint8Array): UtilityEnvelope {
  const said = readJsonBody(body, WANTED[target]);
  const parsed = SHAPES[target].safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const { model, stream, keep_alive: keepAliveMs, tokens = [] } = parsed.data;
  return {
    model: model ?? undefined,
    stream: target === "/infill" && (stream ?? false),
    keepAliveMs: keepAliveMs ?? undefined,
    maxToken: tokens.length === 0 ? undefined : tokens.reduce((most, token) => Math.max(most, token)),
  };
}

/** The bytes pass to a llama-server; no node can be asked so. */
export function utilityExchange(
  target: UtilityTarget,
  body: Uint8Array<ArrayBuffer>,
  { model, stream, maxToken = 0 }: UtilityEnvelope,
): ExchangeFor {
  return (upstream) => {
    const { vocabularySize = Infinity } = upstream.model ?? {};
    if (maxToken >= vocabularySize) throw noSuchToken(maxToken, vocabularySize);
    return passedTo(upstream, { target, body, model, stream, format: "completion" });
  };
}

/** llama-server would call that an error of its own. */
function noSuchToken(token: number, vocabularySize: number): GatewayError {
  const message = `"tokens" names ${token}, and the model has ${vocabularySize} tokens, counted from 0`;
  return new GatewayError("invalid_request", message, { field: "tokens" });
}
