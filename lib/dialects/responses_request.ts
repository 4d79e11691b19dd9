import { GatewayError } from "../errors.ts";
import { invalidField } from "../json_complaint.ts";
import { conversationTurns } from "./conversation.ts";
import { readJsonBody } from "./json_body.ts";
import type { RequestEnvelope } from "./openai_request.ts";
import { readToolWish, type ToolWish } from "./openai_tool_choice.ts";
import { responseSettings } from "./responses_settings.ts";
import { responsesBody } from "./schema/openai_responses.ts";

/** The envelope of `POST /v1/responses`. */
export interface ResponsesEnvelope extends RequestEnvelope {
  /** Stand for the beginnings of its input, see {@linkcode conversationTurns}. */
  readonly turns: readonly string[];
  /** What is wanted of its tools beyond what upstreams do by themselves. */
  readonly toolWish: ToolWish | undefined;
  /** It has instructions, or its input begins with the system's or the developer's. */
  readonly hasInstructions: boolean;
  /** Tokens after which its answer is cut; `undefined` if it does not say. */
  readonly maxOutputTokens: number | undefined;
  /** What an answer repeats of it, see {@linkcode responseSettings}. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** An item of the input, as far as it matters here. */
interface Item {
  readonly type?: unknown;
  readonly role?: unknown;
  readonly content?: unknown;
  readonly output?: unknown;
  readonly arguments?: unknown;
}

/**
 * Reads the envelope of `POST /v1/responses`.
 *
 * @throws {GatewayError} `invalid_request` naming the field at fault, as `decodeChatEnvelope` does, and for whatever needs
 *   responses that were stored: there are none.
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */
export function decodeResponsesEnvelope(body: Uint8Array): ResponsesEnvelope {
  const said = readJsonBody(body, "a model and an input");
  const parsed = responsesBody.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const { model, stream, keep_alive: keepAliveMs, instructions, tools, tool_choice } = parsed.data;
  requireNothingStored(parsed.data);
  const items = itemsOf(parsed.data.input);
  const toolNames = (tools ?? []).flatMap(({ name }) => name ?? []);
  const firstRole = items[0]?.role;
  return {
    model: model ?? undefined,
    stream: stream ?? false,
    keepAliveMs: keepAliveMs ?? undefined,
    turns: conversationTurns([{ role: "system", content: instructions ?? "" }, ...items.map(toTurn)]).slice(
      1,
    ),
    toolWish: readToolWish(tool_choice, toolNames),
    maxOutputTokens: parsed.data.max_output_tokens ?? undefined,
    settings: responseSettings(said),
    hasInstructions: Boolean(instructions) || firstRole === "system" || firstRole === "developer",
  };
}

function requireNothingStored(
  { previous_response_id: previous, conversation, background }: {
    previous_response_id?: string | null | undefined;
    conversation?: unknown;
    background?: boolean | null | undefined;
  },
): void {
  if (previous) {
    refuse("previous_response_id", `no response is stored here; send the whole conversation as "input"`);
  }
  if (conversation !== undefined && conversation !== null) {
    refuse("conversation", `no conversation is stored here; send the whole of it as "input"`);
  }
  if (background) {
    refuse(
      "background",
      "no response is stored here for later; wait for the answer, or send a batch to /v1/batches",
    );
  }
}

function refuse(field: string, why: string): never {
  throw new GatewayError("invalid_request", `"${field}" cannot be used: ${why}`, { field });
}

function itemsOf(input: unknown): readonly Item[] {
  return Array.isArray(input) ? input : [{ role: "user", content: input }];
}

function toTurn(
  { type, role, content, output, arguments: called }: Item,
): { role: unknown; content: unknown } {
  return { role: role ?? type, content: content ?? output ?? called };
}
