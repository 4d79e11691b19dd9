import { joinBytes } from "../join_bytes.ts";
import type { JsonMember } from "./json_bytes.ts";
import {
  childrenOf,
  type JsonEdit,
  type JsonObject,
  membersOf,
  objectsIn,
  placesIn,
  setMember,
  textOf,
} from "./json_edits.ts";
import { type ChatQuirks, MESSAGE_TEXTS } from "./openai_quirks.ts";
import type { ServedModel } from "./served_model.ts";

const LETTER_N = 0x6e;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const encoder = new TextEncoder();

/** What an Ollama node must be told otherwise than OpenAI's clients say it. */
export function nodeChatEdits(
  chat: JsonObject,
  { completionLimit, hasTextParts, hasObjectArguments }: ChatQuirks,
): JsonEdit[] {
  return [
    ...(completionLimit === undefined ? [] : setMember(chat, "max_tokens", String(completionLimit))),
    ...(hasTextParts ? objectsIn(chat, "messages").flatMap(joinedParts) : []),
    ...(hasObjectArguments ? objectsIn(chat, "messages").flatMap(writtenArguments) : []),
  ];
}

/** What llama-server must be told otherwise. */
export function llamaChatEdits(chat: JsonObject, { hasMessageGaps, hasToolGaps }: ChatQuirks): JsonEdit[] {
  return [
    ...(hasMessageGaps ? objectsIn(chat, "messages").flatMap(filledMessage) : []),
    ...(hasToolGaps ? objectsIn(chat, "tools").flatMap(filledTool) : []),
  ];
}

/** What puts the turns that are stored with a model before those of the client, as Ollama does. */
export function storedTurnEdits(
  chat: JsonObject,
  { system, messages = [] }: ServedModel,
  { beginsWithSystem }: ChatQuirks,
): JsonEdit[] {
  const turns = system && !beginsWithSystem ? [{ role: "system", content: system }, ...messages] : messages;
  if (turns.length === 0) return [];
  const list = membersOf(chat, "messages").at(-1);
  if (!list) return [];
  const at = list.value.start + 1;
  return [{ start: at, end: at, value: turns.map((turn) => `${JSON.stringify(turn)},`).join("") }];
}

/** Texts become one, as llama.cpp joins them; pictures and sounds stay, behind it. */
function joinedParts(message: JsonObject): JsonEdit[] {
  const { json } = message;
  return membersOf(message, "content").flatMap(({ value: { start, end } }): JsonEdit[] => {
    if (json[start] !== OPEN_BRACKET) return [];
    const parts: readonly unknown[] = JSON.parse(textOf(json, { start, end }));
    const texts = parts.filter(isText).map(({ text }) => text);
    const text = JSON.stringify(texts.join("\n"));
    if (texts.length === parts.length) return [{ start, end, value: text }];
    if (texts.length < 2) return [];
    const media = placesIn(json, start)
      .filter((_, index) => !isText(parts[index]))
      .flatMap((place) => [encoder.encode(","), json.subarray(place.start, place.end)]);
    const value = joinBytes([
      encoder.encode(`[{"type":"text","text":${text}}`),
      ...media,
      encoder.encode("]"),
    ]);
    return [{ start, end, value }];
  });
}

function isText(part: unknown): part is { readonly text: unknown } {
  return (part as { type?: unknown } | null)?.type === "text";
}

function writtenArguments(message: JsonObject): JsonEdit[] {
  const { json } = message;
  return objectsIn(message, "tool_calls")
    .flatMap((call) => childrenOf(call, "function"))
    .flatMap((named) => membersOf(named, "arguments"))
    .filter(({ value }) => json[value.start] === OPEN_BRACE)
    .map(({ value }) => ({ ...value, value: JSON.stringify(textOf(json, value)) }));
}

function filledMessage(message: JsonObject): JsonEdit[] {
  return [
    ...MESSAGE_TEXTS.flatMap((key) => emptiedNulls(message, key)),
    ...objectsIn(message, "tool_calls").flatMap((call) => [...emptiedNulls(call, "id"), ...typed(call)]),
  ];
}

function filledTool(tool: JsonObject): JsonEdit[] {
  return [
    ...typed(tool),
    ...childrenOf(tool, "function").flatMap((named) => emptiedNulls(named, "description")),
  ];
}

/** Empty text is nothing for llama-server. */
function emptiedNulls(object: JsonObject, key: string): JsonEdit[] {
  return membersOf(object, key)
    .filter(({ value }) => object.json[value.start] === LETTER_N)
    .map(({ value }) => ({ ...value, value: '""' }));
}

/** What has no type is a function's. */
function typed(object: JsonObject): JsonEdit[] {
  const said = membersOf(object, "type").at(-1);
  return said && parsed(object, said) ? [] : setMember(object, "type", '"function"');
}

function parsed({ json }: JsonObject, { value }: JsonMember): unknown {
  return JSON.parse(textOf(json, value));
}
