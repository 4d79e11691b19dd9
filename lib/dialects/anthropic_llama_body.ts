import { joinBytes } from "../join_bytes.ts";
import type { DecodedMessages } from "./anthropic_request.ts";
import type { UpstreamFacts } from "./exchange.ts";
import { itemsIn, type JsonPlace, valuesOf, withValue } from "./json_bytes.ts";
import { withModel } from "./openai_model.ts";
import type { ServedModel } from "./served_model.ts";

/** One of the changes below: the same request with a member more or another value of one. */
type Change = readonly [key: string, change: (json: Uint8Array, places: readonly JsonPlace[]) => unknown];

const encoder = new TextEncoder();

/**
 * A request as llama-server's `/v1/messages` and `/v1/messages/count_tokens` get it: the client's bytes, but for what
 * llama-server does not know of the dialect or of the model. That is the model's name and what is stored with the model; a
 * certain tool that must be called, which becomes the only one; no tool, which it takes for any; and whether and how much the
 * model is to think, where the client does not tell the template by itself.
 *
 * @param body A JSON object; it was parsed before.
 * @see `server_chat_convert_anthropic_to_oai` in tools/server/server-chat.cpp of llama.cpp
 */
export function llamaMessagesBody(
  body: Uint8Array<ArrayBuffer>,
  decoded: DecodedMessages,
  { modelName, model }: Pick<UpstreamFacts, "modelName" | "model">,
): Uint8Array<ArrayBuffer> {
  const isNamed = modelName === undefined || modelName === decoded.model;
  const changes = [...storedChanges(decoded, model), ...toolChanges(decoded), ...thinkingChanges(decoded)];
  return changes.reduce((json, [key, change]) => {
    const places = valuesOf(json, key);
    const value = change(json, places);
    if (value === undefined) return json;
    return withValue(json, { key, places, value: value instanceof Uint8Array ? value : encode(value) });
  }, isNamed ? body : withModel(body, modelName));
}

/** The system message goes before all, and only where the client's chat begins with none; stored turns come next. */
function storedChanges({ request }: DecodedMessages, model: ServedModel | undefined): Change[] {
  const { system, messages: turns = [] } = model ?? {};
  const changes: Change[] = [];
  if (system && request.messages[0]?.role !== "system") changes.push(["system", () => system]);
  if (turns.length > 0) changes.push(["messages", (json, places) => withTurns(json, places, turns)]);
  return changes;
}

function withTurns(
  json: Uint8Array,
  places: readonly JsonPlace[],
  turns: NonNullable<ServedModel["messages"]>,
): Uint8Array {
  const { start, end } = places.at(-1)!; // of equal keys the last one counts
  const before = turns.map(({ role, content }) => JSON.stringify({ role, content })).join(",");
  return joinBytes([encoder.encode(`[${before},`), json.subarray(start + 1, end)]);
}

function toolChanges({ request: { tools, toolChoice } }: DecodedMessages): Change[] {
  if (toolChoice === "none") return [["tools", () => []], ["tool_choice", () => AUTO]];
  if (typeof toolChoice === "string") return [];
  const at = tools.findIndex(({ name }) => name === toolChoice.name);
  return [["tools", (json, places) => onlyTool(json, places, at)], ["tool_choice", () => ANY]];
}

const AUTO = { type: "auto" };
const ANY = { type: "any" };

function onlyTool(json: Uint8Array, places: readonly JsonPlace[], at: number): Uint8Array {
  const { start, end } = [...itemsIn(json, places.at(-1)!.start)][at]!;
  return joinBytes([encoder.encode("["), json.subarray(start, end), encoder.encode("]")]);
}

function thinkingChanges({ request: { thinking } }: DecodedMessages): Change[] {
  if (thinking === undefined) return [];
  const level = typeof thinking === "string" && { reasoning_effort: thinking };
  const kwargs = { enable_thinking: thinking !== false, ...level };
  return [["chat_template_kwargs", (_json, places) => places.length === 0 ? kwargs : undefined]];
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(value));
}
