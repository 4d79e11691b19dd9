import { dirname } from "node:path";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";

/** How {@linkcode LogFile} writes. */
export interface LogFileOptions {
  /** Opened by the first line; missing directories are made. */
  path: string;
  /** At this size the file becomes `<path>.1`, and the one before that is gone. Default 8 MiB. */
  maxBytes?: number;
  /** Gets the one warning. */
  logger: Logger;
}

/** Bytes that may wait for a slow disk; lines beyond that are dropped. */
const MAX_PENDING_BYTES = 256 * 1024;

/**
 * A file of lines with a bounded size, for a child's output. It is written behind, and a disk that is full or
 * gone costs lines and one warning, nothing else. Dispose it to write what waits and to close the file.
 */
export class LogFile implements AsyncDisposable {
  #file: Deno.FsFile | undefined;
  #fileBytes = 0;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #droppedCount = 0;
  #flushing: Promise<void> | undefined;
  #hasWarned = false;
  readonly #encoder = new TextEncoder();
  readonly #maxBytes: number;

  /** Touches no disk before the first {@linkcode append}. */
  constructor(private readonly options: LogFileOptions) {
    this.#maxBytes = options.maxBytes ?? 8 * 1024 * 1024;
  }

  /** Lines that were lost to a slow or full disk. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Adds a line; returns at once and never throws. */
  append(line: string): void {
    const bytes = this.#encoder.encode(`${line}\n`);
    if (this.#pendingBytes + bytes.length > MAX_PENDING_BYTES) {
      this.#droppedCount++;
      return;
    }
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#flushing ??= this.#flush();
  }

  /** Writes what waits and closes the file; never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#flushing) await this.#flushing;
    this.#close();
  }

  async #flush(): Promise<void> {
    await Promise.resolve(); // lines that come in one read are written in one go
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      this.#pendingBytes = 0;
      await this.#write(lines);
    }
    this.#flushing = undefined; // in the same step as the last look: a line that comes later begins anew
  }

  async #write(lines: Uint8Array[]): Promise<void> {
    try {
      for (const line of lines) {
        if (this.#fileBytes >= this.#maxBytes) await this.#rotate();
        const file = this.#file ??= await this.#open();
        for (let rest = line; rest.length > 0;) rest = rest.subarray(await file.write(rest));
        this.#fileBytes += line.length;
      }
    } catch (error) {
      this.#droppedCount += lines.length;
      this.#close(); // a file that was replaced or a disk that was freed is found again by the next line
      if (this.#hasWarned) return;
      this.#hasWarned = true;
      this.options.logger.warn("log file cannot be written", {
        path: this.options.path,
        reason: messageOf(error),
      });
    }
  }

  async #open(): Promise<Deno.FsFile> {
    const { path } = this.options;
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await Deno.open(path, { create: true, append: true, mode: 0o600 });
    this.#fileBytes = (await file.stat()).size;
    return file;
  }

  async #rotate(): Promise<void> {
    this.#close();
    await Deno.rename(this.options.path, `${this.options.path}.1`);
    this.#fileBytes = 0;
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
