import type { FakeOllamaBehaviour, FakeOllamaMode } from "./fake_ollama_mode.ts";
import type { FakeOllamaModel } from "./fake_ollama_model.ts";

/** What a fake node is. */
export interface FakeOllamaOptions {
  /** Where it listens. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0, a free one. */
  readonly port?: number;
  /** Which Ollama it is: 0.30 and later split the finish from the last token. Default `0.33.0`. */
  readonly version?: string;
  /** What it holds. Default `llama3:8b`. */
  readonly models?: readonly FakeOllamaModel[];
  /** Memory for models; idle ones leave for others. Default unlimited. */
  readonly memoryBytes?: number;
  /** Answers at a time; others wait inside, as in Ollama. Default 4. */
  readonly parallel?: number;
  /** Speed of each answer; 0 for no delay. Default 0. */
  readonly tokensPerSecond?: number;
  /** Time to the first token, ms. Default 0. */
  readonly firstTokenMs?: number;
  /** Time to load a model that is not resident, ms. Default 0. */
  readonly loadMs?: number;
  /** What it says to everything; a word is a token. Default 16 numbered words. */
  readonly answer?: string;
}

/** A request as it arrived. */
export interface FakeOllamaRequest {
  readonly method: string;
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the body; `undefined` where there was none. */
  readonly model: string | undefined;
  /** The body as text. */
  readonly body: string;
  /** When, by `performance.now()`. */
  readonly atMs: number;
}

/** An Ollama that runs no model, and misbehaves when told so. One port; no port is taken while it is stopped. */
export class FakeOllamaNode implements AsyncDisposable {
  /** The latest 10,000 requests, in order of arrival. */
  readonly requests: FakeOllamaRequest[] = [];
  /** How many requests came, by path. */
  readonly counts = new Map<string, number>();
  /** Requests that make a model work and are not finished, those that wait inside too. */
  inFlight = 0;
  /** Most that were in flight since {@linkcode forget}. */
  peakInFlight = 0;
  /** Answers that were sent whole, of requests that make a model work. */
  servedCount = 0;
  /** Requests whose client left before its answer was whole; their work was stopped. */
  abortedCount = 0;
  /** Connections that were taken. */
  connectionCount = 0;

  /** Listens. */
  static async start(_options: FakeOllamaOptions = {}): Promise<FakeOllamaNode> {
    throw new Error("not yet");
  }

  /** Stays the same while it is stopped. */
  get port(): number {
    throw new Error("not yet");
  }

  /** `http://127.0.0.1:PORT`. */
  get url(): string {
    throw new Error("not yet");
  }

  /** What it is told to do now. */
  get mode(): FakeOllamaMode {
    throw new Error("not yet");
  }

  /** Changes what it does at once, also for requests under way. What hangs goes on when it is told another. */
  behave(_mode: FakeOllamaMode, _options: Partial<FakeOllamaBehaviour> = {}): void {
    throw new Error("not yet");
  }

  /** Holds this model from now on; replaces the one of that name. */
  addModel(_model: FakeOllamaModel): void {
    throw new Error("not yet");
  }

  /** Holds it no longer. */
  removeModel(_name: string): void {
    throw new Error("not yet");
  }

  /** Puts a model into memory, as a request for it would. */
  load(_name: string): void {
    throw new Error("not yet");
  }

  /** Sets all counters to zero, and forgets the requests. */
  forget(): void {
    throw new Error("not yet");
  }

  /** Closes the port and all connections, as the death of the process does; memory is empty. May be started again. */
  stop(): Promise<void> {
    throw new Error("not yet");
  }

  /** Listens again on the same port after {@linkcode stop}. */
  startAgain(): Promise<void> {
    throw new Error("not yet");
  }

  /** Stops it for good. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** What a fake node says unless told otherwise: `word0 word1 …`. */
export function fakeAnswer(wordCount: number): string {
  return Array.from({ length: wordCount }, (_, index) => `word${index}`).join(" ");
}
