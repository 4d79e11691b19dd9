import type { FakeDialect, FakeGeneration } from "./fake_ollama_dialect.ts";
import type { FakeOllamaExchange } from "./fake_ollama_exchange.ts";
import type { FakeOllamaMood, Treatment } from "./fake_ollama_mood.ts";

/** How fast words come. */
export interface FakePace {
  /** ms. */
  readonly firstTokenMs: number;
  /** From one word to the next, ms; 0 for no delay. */
  readonly tokenMs: number;
}

/** What Ollama says when the process that runs the model died. */
export const CRASH_MESSAGE = "an error was encountered while running the model: unexpected EOF";

/** Plays one answer, word by word, under a treatment that may change meanwhile. */
export class FakeOllamaRun {
  #unsent = "";
  #treatment: Treatment;

  /** `sendError` tells an error in the dialect's way, where nothing was sent yet. */
  constructor(
    private readonly exchange: FakeOllamaExchange,
    private readonly dialect: FakeDialect,
    private readonly generation: FakeGeneration,
    private readonly mood: FakeOllamaMood,
    treatment: Treatment,
    private readonly sendError: (status: number, message: string) => void,
  ) {
    this.#treatment = treatment;
  }

  /** @returns Whether the answer was sent whole. */
  async play({ firstTokenMs, tokenMs }: FakePace, isStream: boolean): Promise<boolean> {
    const slowMs = this.#treatment.mode === "slow_first_token" ? this.#treatment.delayMs : 0;
    let dueMs = performance.now() + firstTokenMs + slowMs;
    for (const index of this.generation.pieces.keys()) {
      await this.#untilDue(dueMs);
      if (this.exchange.isOver) return false;
      if (this.#breaksAt(index)) break;
      if (isStream) this.#unsent += this.dialect.piece(this.generation, index);
      dueMs += tokenMs;
    }
    if (this.#breaksAt(Infinity)) return await this.#break(isStream);
    this.#end(isStream);
    return !this.exchange.isGone;
  }

  async #untilDue(dueMs: number): Promise<void> {
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) {
      this.#send();
      await this.exchange.pause(waitMs);
    }
    this.#treatment = this.mood.treatStill(this.#treatment, true);
    if (!this.mood.isFrozen(this.#treatment)) return;
    this.#send();
    this.#treatment = await this.mood.untilThawed(this.#treatment, true, this.exchange);
  }

  #breaksAt(index: number): boolean {
    const { mode, afterTokens } = this.#treatment;
    return (mode === "reset_mid_stream" || mode === "runner_crash") && index >= afterTokens;
  }

  async #break(isStream: boolean): Promise<boolean> {
    const { mode } = this.#treatment;
    if (mode === "runner_crash" && !(isStream && this.#hasBegun)) {
      this.sendError(500, CRASH_MESSAGE);
    } else if (mode === "runner_crash") {
      this.#unsent += this.dialect.crash(this.generation, CRASH_MESSAGE);
      this.#send();
      this.exchange.endStream();
    } else if (isStream) {
      this.#send();
      await this.exchange.reset();
    } else {
      await resetAmidAnswer(this.exchange);
    }
    return false;
  }

  #end(isStream: boolean): void {
    if (!isStream) {
      const headers: Record<string, string> = this.dialect.isOpenAi
        ? { "Content-Type": "application/json" }
        : {};
      return this.exchange.sendJson(200, this.dialect.whole(this.generation), headers);
    }
    this.#unsent += this.dialect.ending(this.generation);
    this.#send();
    this.exchange.endStream();
  }

  get #hasBegun(): boolean {
    return this.exchange.isStreaming || this.#unsent !== "";
  }

  /** The head goes with the first word, as in Ollama. */
  #send(): void {
    if (this.#unsent === "") return;
    if (this.exchange.isStreaming) this.exchange.sendPiece(this.#unsent);
    else this.exchange.beginStream(this.dialect.streamType, this.#unsent);
    this.#unsent = "";
  }
}

/** Resets the connection amid an answer that is no stream. @returns False: it was not sent whole. */
export async function resetAmidAnswer(exchange: FakeOllamaExchange): Promise<false> {
  exchange.sendRaw(HALF_AN_ANSWER);
  await exchange.reset();
  return false;
}

const HALF_AN_ANSWER =
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"model":';
