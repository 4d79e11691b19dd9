import type { LogSink } from "./log.ts";

const encoder = new TextEncoder();
/** Lines waiting for a slow reader; beyond this they are dropped and counted, never waited for. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** For how long quiet lines are gathered into one write, ms. Warnings and errors are written at once. */
const GATHER_MS = 20;

/** Where bytes go at last, such as `Deno.stdout`. */
export interface ByteOutput {
  /** Resolves with how many of the bytes it took, at least one. */
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * A sink that writes lines in batches and never blocks or fails the caller: lines that a full disk or a
 * stalled reader does not take are dropped, and their count is told as soon as writing works again.
 */
export class BufferedLogSink {
  #waiting: string[] = [];
  #waitingBytes = 0;
  #droppedCount = 0;
  #isUrgent = false;
  #writing: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** The writer stays the caller's to close, after {@linkcode flush}. */
  constructor(private readonly writer: ByteOutput) {}

  /** Takes a line; hand this to `createLogger`. */
  readonly sink: LogSink = (line, level) => {
    if (this.#waitingBytes > MAX_WAITING_BYTES) {
      this.#droppedCount++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#isUrgent ||= level === "warn" || level === "error";
    this.#schedule();
  };

  /**
   * Resolves when all lines so far are written or given up.
   *
   * @param options `signal` ends the wait: a pipe that nobody reads takes nothing, ever. Its lines are lost then.
   */
  async flush({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const end = () => ended.resolve();
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end, { once: true });
    do {
      this.#begin();
      await Promise.race([this.#writing, ended.promise]);
    } while (this.#waiting.length > 0 && !signal?.aborted);
    signal?.removeEventListener("abort", end);
  }

  /** A write under way looks after what comes meanwhile; each write costs more than many lines. */
  #schedule(): void {
    if (this.#writing || this.#waiting.length === 0) return;
    if (this.#isUrgent) this.#begin();
    else this.#timer ??= setTimeout(() => this.#begin(), GATHER_MS);
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    await Promise.resolve(); // the lines of this turn of the event loop go together
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isUrgent = false;
    if (lines.length > 0) await this.#writeLines(lines);
    this.#writing = undefined;
    this.#schedule();
  }

  async #writeLines(lines: string[]): Promise<void> {
    if (this.#droppedCount > 0) {
      lines.unshift(
        JSON.stringify({ level: "warn", message: "log lines dropped", droppedCount: this.#droppedCount }),
      );
    }
    try {
      await writeAll(this.writer, encoder.encode(lines.join("\n") + "\n"));
      this.#droppedCount = 0;
    } catch { // disk full, pipe closed: the gateway matters more than its log
      this.#droppedCount += lines.length;
    }
  }
}

async function writeAll(writer: ByteOutput, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.byteLength;) written += await writer.write(bytes.subarray(written));
}
