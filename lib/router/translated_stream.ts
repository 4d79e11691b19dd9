import type { ModelEcho } from "../dialects/model_echo.ts";
import type { StreamTranslator } from "../dialects/exchange.ts";
import { GatewayError, messageOf } from "../errors.ts";
import type { AnswerEvents } from "./answer_stream.ts";

/** A stream in the words of its client, who does not speak the upstream's dialect. */
export class TranslatedStream implements AnswerEvents {
  #hasEnded = false;

  /** Owns the events from here on. @param onOver Called once, when nobody needs the upstream any more. Must not throw. */
  constructor(
    private readonly events: AnswerEvents,
    private readonly translator: StreamTranslator,
    private readonly onOver: () => void,
  ) {}

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#hasEnded) return null;
    try {
      for (;;) {
        const events = await this.events.read();
        if (events === null) return await this.#end();
        const words = this.#translate(events);
        if (words.byteLength > 0) return words;
      }
    } catch (error) {
      this.#over();
      throw error;
    }
  }

  cancel(): void {
    this.events.cancel();
    this.#over();
  }

  #translate(events: Uint8Array): Uint8Array<ArrayBuffer> {
    try {
      return this.translator.push(events);
    } catch (cause) {
      this.events.cancel();
      throw notUnderstood(cause);
    }
  }

  async #end(): Promise<Uint8Array<ArrayBuffer> | null> {
    const words = await this.#lastWords();
    this.#over();
    return words.byteLength > 0 ? words : null;
  }

  async #lastWords(): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await this.translator.end();
    } catch (cause) {
      throw notUnderstood(cause);
    }
  }

  #over(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.onOver();
  }
}

/** A stream that passes, but for the name of its model. */
export class RenamedStream implements AnswerEvents {
  /** Owns the events from here on. */
  constructor(private readonly events: AnswerEvents, private readonly echo: ModelEcho) {}

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const events = await this.events.read();
    return events && this.echo.inEvents(events);
  }

  cancel(): void {
    this.events.cancel();
  }
}

/** What an upstream says that is not what its dialect has it say. */
export function notUnderstood(cause: unknown): unknown {
  if (!(cause instanceof SyntaxError)) return cause;
  const message = `The upstream said what cannot be understood: ${messageOf(cause)}; ask again`;
  return new GatewayError("upstream_failed", message, { cause });
}
