import type { GatewayError } from "../errors.ts";

/** The languages that clients speak. OpenAI's responses are a language of their own: their streams and errors differ. */
export type DialectName = "openai" | "responses" | "ollama" | "anthropic";

/** What a stream says while its client waits for the answer to begin. */
export interface WaitingWord {
  /** What it waits for, a sentence for a person. */
  readonly text: string;
  /** Of the request. */
  readonly requestId: string;
  /** The model as the client named it. */
  readonly model: string;
  /** When it is said, ms since 1970. */
  readonly atMs: number;
  /** Whether it is the first thing that the client gets. */
  readonly isFirst: boolean;
  /** Whether the client's user is to read it, as a model's reasoning; otherwise it only shows that the stream lives. */
  readonly isNote: boolean;
}

/** What an upstream refused a request with. */
export interface UpstreamRefusal {
  /** HTTP status, 400 or above. */
  readonly status: number;
  /** In whatever form the upstream has; may be empty. */
  readonly body: Uint8Array;
}

/** How a client is spoken to when the words are the gateway's own. Pure: each value is made anew and is the caller's. */
export interface ClientDialect {
  /** Which one it is. */
  readonly name: DialectName;
  /** The content type of its streams. */
  readonly streamType: "text/event-stream" | "application/x-ndjson";
  /**
   * The JSON of an error answer.
   *
   * @param error `undefined` for a failure that nobody understood: only the log knows more.
   */
  errorBody(error: GatewayError | undefined, requestId: string): Record<string, unknown>;
  /** What ends a stream that broke; nothing that means success follows. See {@linkcode errorBody}. */
  errorEvent(error: GatewayError | undefined, requestId: string): Uint8Array<ArrayBuffer>;
  /** An upstream's refusal as this client reads it: its status, its sentence, and the numbers that it tells. */
  refusal(
    refusal: UpstreamRefusal,
    requestId: string,
  ): { readonly status: number; readonly body: Uint8Array };
  /** The same as the event that ends a stream which has begun. */
  refusalEvent(refusal: UpstreamRefusal, requestId: string): Uint8Array<ArrayBuffer>;
  /** What keeps a stream alive before its answer begins. */
  waitingWord(word: WaitingWord): Uint8Array<ArrayBuffer>;
  /** Words for whoever reads the stream raw; empty where the dialect has no place for such. */
  comment(text: string): Uint8Array<ArrayBuffer>;
}
