import type { AnswerEvents } from "../../lib/router/answer_stream.ts";

/** What a {@linkcode FakeAnswerEvents} does next: gives events, ends, breaks, or waits for ever. */
export type Step = string | null | Error | "silence";

/** Events by script. */
export class FakeAnswerEvents implements AnswerEvents {
  readonly #steps: Step[];
  readonly #cancelled = Promise.withResolvers<never>();
  isCancelled = false;

  constructor(steps: readonly Step[]) {
    this.#steps = [...steps];
    this.#cancelled.promise.catch(() => {});
  }

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const step = this.#steps.shift() ?? null;
    if (step === "silence") return await this.#cancelled.promise;
    if (step instanceof Error) throw step;
    return step === null ? null : new TextEncoder().encode(step);
  }

  cancel(): void {
    this.isCancelled = true;
    this.#cancelled.reject(new Error("cancelled"));
  }
}

/** Reads to the end; the error that broke the stream stands behind the text. */
export async function readAll(events: AnswerEvents): Promise<{ text: string; error: unknown }> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let part = await events.read(); part !== null; part = await events.read()) {
      text += decoder.decode(part);
    }
    return { text, error: undefined };
  } catch (error) {
    return { text, error };
  }
}
