import {
  childrenOf,
  type JsonEdit,
  type JsonObject,
  membersOf,
  objectsIn,
  setMember,
  textOf,
} from "./json_edits.ts";
import type { ServedModel } from "./served_model.ts";

const LETTER_N = 0x6e;
const OPEN_BRACKET = 0x5b;

/** What llama-server must be told otherwise than OpenAI's clients say it. */
export function llamaResponsesEdits(request: JsonObject): JsonEdit[] {
  return [
    ...objectsIn(request, "input").flatMap(namedMessage),
    ...emptiedNulls(request, "tools", "[]"),
    ...objectsIn(request, "tools").flatMap((tool) => emptiedNulls(tool, "description", '""')),
    ...answerFormat(request),
  ];
}

/**
 * What puts that before a client's input which is stored with a model, as Ollama does.
 *
 * @param hasInstructions Whether the client says itself what the system's message is.
 */
export function storedInputEdits(
  request: JsonObject,
  { system, messages = [] }: ServedModel,
  hasInstructions: boolean,
): JsonEdit[] {
  const edits = system && !hasInstructions ? setMember(request, "instructions", JSON.stringify(system)) : [];
  const input = membersOf(request, "input").at(-1);
  if (messages.length === 0 || !input) return edits;
  const { start, end } = input.value;
  const items = messages.map((message) => `${JSON.stringify({ type: "message", ...message })},`).join("");
  if (request.json[start] === OPEN_BRACKET) {
    return [...edits, { start: start + 1, end: start + 1, value: items }];
  }
  const own = `{"type":"message","role":"user","content":${textOf(request.json, input.value)}}`;
  return [...edits, { start, end, value: `[${items}${own}]` }];
}

/** What an assistant said is a message also where a client leaves that out; llama-server does not see it by itself. */
function namedMessage(item: JsonObject): JsonEdit[] {
  const role = membersOf(item, "role").at(-1);
  const isAssistant = role && textOf(item.json, role.value) === '"assistant"';
  return isAssistant && membersOf(item, "type").length === 0 ? setMember(item, "type", '"message"') : [];
}

/** llama-server knows `text.format` by the name that it has in chats. */
function answerFormat(request: JsonObject): JsonEdit[] {
  const format = childrenOf(request, "text").flatMap((text) => childrenOf(text, "format")).at(-1);
  if (!format || membersOf(request, "response_format").length > 0) return [];
  const type = membersOf(format, "type").at(-1);
  const schema = membersOf(format, "schema").at(-1);
  const said = type && textOf(format.json, type.value);
  if (said === '"json_object"') return setMember(request, "response_format", '{"type":"json_object"}');
  if (said !== '"json_schema"' || !schema) return [];
  const wrapped = `{"type":"json_schema","json_schema":{"schema":${textOf(format.json, schema.value)}}}`;
  return setMember(request, "response_format", wrapped);
}

function emptiedNulls(object: JsonObject, key: string, empty: string): JsonEdit[] {
  return membersOf(object, key)
    .filter(({ value }) => object.json[value.start] === LETTER_N)
    .map(({ value }) => ({ ...value, value: empty }));
}
