import * as z from "zod";
import { GatewayError } from "../errors.ts";
import { invalidField } from "../json_complaint.ts";
import { readJsonBody } from "./json_body.ts";

/** A request about one model. */
export interface OllamaOrder {
  /** The model as the client named it; of a copy, its source. */
  readonly model: string;
  /** Whether progress is told as it comes. */
  readonly stream: boolean;
  /** The whole body. */
  readonly said: Readonly<Record<string, unknown>>;
}

/** What is asked of a model by `POST /api/show`. */
export interface OllamaShowRequest extends Omit<OllamaOrder, "stream"> {
  /** Whether arrays are wanted, too. */
  readonly verbose: boolean;
}

const name = z.string().max(1_024).nullish();
const named = z.object({ model: name, name, stream: z.boolean().nullish(), verbose: z.boolean().nullish() });
const copied = z.object({ source: name, destination: name });

/**
 * Reads the body of `POST /api/show`.
 *
 * @throws {GatewayError} `invalid_request`, naming the field at fault.
 */
export function decodeOllamaShow(body: Uint8Array): OllamaShowRequest {
  const { said, data } = decode(body);
  return { model: nameIn(data, "model is required"), said, verbose: data.verbose ?? false };
}

/**
 * Reads the body of a request to pull, push, create or delete a model.
 *
 * @param complaint What Ollama says where no model is named.
 * @throws {GatewayError} `invalid_request`, naming the field at fault.
 */
export function decodeOllamaOrder(body: Uint8Array, complaint: string): OllamaOrder {
  const { said, data } = decode(body);
  return { model: nameIn(data, complaint), said, stream: data.stream ?? true };
}

/**
 * Reads the body of `POST /api/copy`.
 *
 * @throws {GatewayError} `invalid_request`, naming the field at fault.
 */
export function decodeOllamaCopy(body: Uint8Array): OllamaOrder {
  const said = readJsonBody(body, "source and destination");
  const parsed = copied.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const { source, destination } = parsed.data;
  if (!source) throw invalid("source", `source "" is invalid`);
  if (!destination) throw invalid("destination", `destination "" is invalid`);
  return { model: source, said, stream: false };
}

function decode(body: Uint8Array): {
  readonly said: Readonly<Record<string, unknown>>;
  readonly data: z.output<typeof named>;
} {
  const said = readJsonBody(body, "a model");
  const parsed = named.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  return { said, data: parsed.data };
}

/** `name` is what `model` was called before. */
function nameIn({ model, name }: z.output<typeof named>, complaint: string): string {
  const said = model || name;
  if (said) return said;
  throw invalid("model", complaint);
}

function invalid(field: string, message: string): GatewayError {
  return new GatewayError("invalid_request", message, { field });
}
