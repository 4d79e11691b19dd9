import type { ChatEvent, ChatToolCall } from "./chat.ts";

/** Gathers the calls of an answer from their pieces: Ollama tells a call once it is whole. */
export class OllamaToolCalls {
  readonly #calls = new Map<number, { id: string | undefined; name: string; json: string }>();

  /** Takes a piece. Arguments of a call that has not begun do not count. */
  add(event: Extract<ChatEvent, { kind: "tool_call" | "arguments" }>): void {
    if (event.kind === "tool_call") {
      this.#calls.set(event.index, { id: event.id, name: event.name, json: "" });
      return;
    }
    const call = this.#calls.get(event.index);
    if (call) call.json += event.json;
  }

  /**
   * All calls in order, their arguments on one line; without any it is an empty object.
   *
   * @param how With `isCut` the answer was longer than it may be: a call that it broke off in is left out.
   * @throws {SyntaxError} If arguments are no JSON object.
   */
  whole({ isCut }: { isCut: boolean }): ChatToolCall[] {
    const calls = [...this.#calls].toSorted(([one], [other]) => one - other);
    return calls.flatMap(([index, { id = `call_${index}`, name, json }]) => {
      const argumentsJson = json.trim() === "" && !isCut ? "{}" : json;
      if (isObject(argumentsJson)) return [{ id, name, argumentsJson: onOneLine(argumentsJson) }];
      if (isCut) return [];
      throw new SyntaxError(`The model called "${name}" with arguments that are no JSON object`);
    });
  }
}

function isObject(json: string): boolean {
  try {
    const value = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** The same JSON on one line: outside of its texts, where breaks are escaped, nothing needs them. */
function onOneLine(json: string): string {
  return json.replaceAll(/[\t\n\r]/g, "");
}
