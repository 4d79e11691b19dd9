import { GatewayError } from "../errors.ts";
import { listNames } from "../name_list.ts";
import type { UpstreamFacts } from "./exchange.ts";
import {
  type JsonEdit,
  type JsonObject,
  membersOf,
  objectAt,
  placesIn,
  setMember,
  textOf,
  withEdits,
} from "./json_edits.ts";

/** More names make no refusal clearer. */
const MAX_NAMES_TOLD = 10;

/** What a client wants of its tools that no upstream understands in its words. */
export interface ToolWish {
  /** Whether any is to be called. */
  readonly choice: "auto" | "none" | "required";
  /** The only ones that may be called; `undefined`: all. */
  readonly names: ReadonlySet<string> | undefined;
}

/**
 * Reads a `tool_choice`. A chat names a tool as `{"type":"function","function":{"name"}}`, a response as
 * `{"type":"function","name"}`.
 *
 * @param toolNames The names of the request's tools.
 * @returns `undefined` where nothing is wanted that upstreams do not do by themselves.
 * @throws {GatewayError} `invalid_request` for a tool that is not among them.
 */
export function readToolWish(said: unknown, toolNames: readonly string[]): ToolWish | undefined {
  if (said === "none") return { choice: "none", names: undefined };
  if (typeof said !== "object" || said === null) return undefined;
  const type = member(said, "type") ?? "function";
  if (type === "function") {
    return { choice: "required", names: checked([nameIn(said)], toolNames) };
  }
  if (type !== "allowed_tools") return undefined;
  const allowed = member(said, "allowed_tools") ?? said;
  const tools = member(allowed, "tools");
  const names = Array.isArray(tools) ? tools.map(nameIn) : [];
  return {
    choice: member(allowed, "mode") === "required" ? "required" : "auto",
    names: checked(names, toolNames),
  };
}

/**
 * The same request as an upstream understands it: only the tools that may be called are left. Ollama does not know
 * `tool_choice`: there none are left if none is to be called, and that one must be called cannot be had.
 *
 * @param body A JSON object that was checked.
 * @param nameOf The name of one of its tools.
 */
export function withToolWish(
  body: Uint8Array<ArrayBuffer>,
  { choice, names }: ToolWish,
  kind: UpstreamFacts["kind"],
  nameOf: (tool: unknown) => unknown,
): Uint8Array<ArrayBuffer> {
  const isForOllama = kind === "ollama";
  if (!names && !(isForOllama && choice === "none")) return body;
  const request = objectAt(body);
  const tools = filteredTools(request, (tool) => names?.has(nameOf(tool) as string) ?? false);
  return withEdits(
    body,
    isForOllama ? tools : [...tools, ...setMember(request, "tool_choice", JSON.stringify(choice))],
  );
}

/** The name of a tool as chats describe it: `{"function":{"name"}}`; `undefined` if it has none. */
export function chatToolName(tool: unknown): unknown {
  return member(member(tool, "function"), "name");
}

/** The name of a tool as responses describe it: `{"name"}`; `undefined` if it has none. */
export function responsesToolName(tool: unknown): unknown {
  return member(tool, "name");
}

function filteredTools(request: JsonObject, isLeft: (tool: unknown) => boolean): JsonEdit[] {
  return membersOf(request, "tools").map(({ value: { start, end } }) => {
    const texts = placesIn(request.json, start).map((item) => textOf(request.json, item));
    return { start, end, value: `[${texts.filter((text) => isLeft(JSON.parse(text))).join(",")}]` };
  });
}

function nameIn(said: unknown): unknown {
  return chatToolName(said) ?? responsesToolName(said);
}

function checked(
  names: readonly unknown[],
  toolNames: readonly string[],
): ReadonlySet<string> {
  for (const name of names) {
    if (typeof name !== "string") {
      throw new GatewayError("invalid_request", `"tool_choice" must name a tool`, { field: "tool_choice" });
    }
    if (toolNames.includes(name)) continue;
    const known = toolNames.length === 0
      ? "the request has no tools"
      : `its tools are ${listNames(toolNames, MAX_NAMES_TOLD)}`;
    const message = `"tool_choice" asks for the tool "${
      name.slice(0, 100)
    }", which the request does not have: ${known}`;
    throw new GatewayError("invalid_request", message, { field: "tool_choice" });
  }
  return new Set(names as readonly string[]);
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
