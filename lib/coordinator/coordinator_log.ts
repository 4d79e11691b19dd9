import { chooseCause, type LogFailure, parseFailureLine } from "../llama_server/failure_line.ts";
import { isOwnLine } from "../llama_server/own_line.ts";
import { type BufferDevice, type BufferUse, type LogEvent, parseLogLine } from "../llama_server/log_line.ts";
import { LineRing } from "../process/line_ring.ts";

/** What a coordinator's output says, as it says it. */
export type CoordinatorEvent = LogEvent | { readonly type: "failure"; readonly failure: LogFailure };

/** A buffer that llama.cpp told of. */
export interface ToldBuffer {
  /** What it holds. */
  readonly use: BufferUse;
  /** Where it is. */
  readonly device: BufferDevice;
  /** Rounded by llama.cpp to 0.01 MiB. */
  readonly bytes: number;
}

/** Lines kept for a person. */
const TAIL_LINES = 200;
/** A process that fails says it a few times, each in its own words. */
const MAX_FAILURES = 32;

/**
 * Listens to a coordinator: what it has told, and the moments that a start waits for. Once it serves, lines that may
 * hold what users write are neither kept nor believed: a grammar can spell any failure.
 */
export class CoordinatorLog {
  /** Resolves when all rpc backends have answered it. */
  readonly enumerated: Promise<void>;
  /** Aborts when it listens; the reason is no error. {@linkcode url} says where. */
  readonly listening: AbortSignal;
  #url: string | undefined;
  #isServing = false;
  #failures: LogFailure[] = [];
  readonly #buffers = new Map<string, ToldBuffer>();
  readonly #tail = new LineRing(TAIL_LINES);
  readonly #enumerated = Promise.withResolvers<void>();
  readonly #listening = new AbortController();

  /**
   * Knows nothing until {@linkcode read} is fed.
   *
   * @param onEvent Hears each event. Must not throw.
   */
  constructor(private readonly onEvent: (event: CoordinatorEvent) => void = () => {}) {
    this.enumerated = this.#enumerated.promise;
    this.listening = this.#listening.signal;
  }

  /**
   * Takes the next line.
   *
   * @returns Whether it may be kept elsewhere, too: it holds nothing that users write.
   */
  read(line: string): boolean {
    if (this.#isServing && !isOwnLine(line)) return false;
    this.#tail.push(line);
    const failure = parseFailureLine(line);
    const event = failure ? { type: "failure" as const, failure } : parseLogLine(line);
    if (event) {
      this.#learn(event);
      this.onEvent(event);
    }
    return true;
  }

  /** The last lines that it kept, oldest first. They hold nothing that users write. */
  get tail(): string[] {
    return this.#tail.lines;
  }

  /** Where it listens, once it told. */
  get url(): string | undefined {
    return this.#url;
  }

  /** The buffers that it told of; of two for the same use on one device the later. */
  get buffers(): ToldBuffer[] {
    return [...this.#buffers.values()];
  }

  /** Why it fails, if it said so. */
  get cause(): LogFailure | undefined {
    return chooseCause(this.#failures);
  }

  /** It started after all: what failed on the way did not matter, and from now on requests reach it. */
  markServing(): void {
    this.#isServing = true;
    this.#failures = [];
  }

  #learn(event: CoordinatorEvent): void {
    if (event.type === "failure" && this.#failures.length < MAX_FAILURES) this.#failures.push(event.failure);
    if (event.type === "device_info") this.#enumerated.resolve();
    if (event.type === "loading") this.#buffers.clear(); // a coordinator that slept loads again
    if (event.type === "buffer") this.#addBuffer(event);
    if (event.type === "listening") {
      this.#url ??= event.url;
      this.#listening.abort();
    }
  }

  /** A device has two KV caches if some of its layers see a window; of all else the later line counts. */
  #addBuffer(buffer: ToldBuffer): void {
    const key = JSON.stringify([buffer.use, buffer.device]);
    const before = buffer.use === "KV" ? this.#buffers.get(key)?.bytes ?? 0 : 0;
    this.#buffers.set(key, { ...buffer, bytes: before + buffer.bytes });
  }
}
