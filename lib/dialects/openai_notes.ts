import { encodeSseJson } from "../stream/sse_event.ts";

/**
 * Lines that a chat program shows as the model's reasoning, before there is a model.
 *
 * Their head stays the same from one to the next, as of any stream; the answer behind them has its own.
 */
export class ReasoningNotes {
  #delta: Record<string, unknown> = { role: "assistant", content: null };

  /** Nothing is told yet; `createdMs` are milliseconds since 1970. */
  constructor(
    private readonly requestId: string,
    private readonly model: string,
    private readonly createdMs: number,
  ) {}

  /** An event that adds a line. */
  event(line: string): Uint8Array<ArrayBuffer> {
    const delta = { ...this.#delta, reasoning_content: `${line}\n` };
    this.#delta = {}; // the role is told once
    const chunk = {
      id: `chatcmpl-${this.requestId}`,
      object: "chat.completion.chunk",
      created: Math.floor(this.createdMs / 1_000),
      model: this.model,
      choices: [{ index: 0, delta, finish_reason: null }],
    };
    return encodeSseJson(chunk);
  }
}
