import { once } from "node:events";
import { Busboy, type BusboyFileStream, type BusboyInstance } from "@fastify/busboy";
import type { Clock } from "../lib/clock.ts";
import { GatewayError, messageOf } from "../lib/errors.ts";
import { formatBytes } from "../lib/units.ts";
import { chunksOf } from "./body_chunks.ts";

/** Beside its file a form has a few short fields, bytes. */
const OVERHEAD_BYTES = 64 * 1024;
const LIMITS = { files: 1, fields: 32, fieldSize: 1_024, parts: 40, headerPairs: 32, headerSize: 16 * 1_024 };

/** What becomes of a form with a file. */
export interface UploadOptions<T> {
  /** The largest file. */
  readonly maxFileBytes: number;
  /** For how long the client sends nothing. */
  readonly clock: Clock;
  /** Takes the file as it comes. What it throws ends the reading. */
  readonly keep: (name: string, content: ReadableStream<Uint8Array>) => Promise<T>;
  /** Looks at the fields of a form that is whole; they may stand behind the file. What it throws ends the reading. */
  readonly check: (fields: ReadonlyMap<string, string>) => void;
  /** Undoes what `keep` gave, when something is wrong that was found later. What it throws is dropped. */
  readonly discard: (kept: T) => void;
}

/**
 * Reads a form with one part called `file`, in constant memory.
 *
 * @returns What `keep` gave.
 * @throws {GatewayError} `unsupported_encoding` if it is no form; `too_large`; `invalid_request`; `client_closed` if the
 *   client left; `request_timeout` if it sent nothing for too long. What `keep` and `check` throw.
 */
export async function readUpload<T>(request: Request, options: UploadOptions<T>): Promise<T> {
  const maxBytes = options.maxFileBytes + OVERHEAD_BYTES;
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(options.maxFileBytes);
  const form = new UploadedForm(request.headers.get("content-type") ?? "", options);
  let totalBytes = 0;
  try {
    for await (const chunk of chunksOf(request, { clock: options.clock, what: "the file" })) {
      totalBytes += chunk.byteLength;
      if (totalBytes > maxBytes) throw tooLarge(options.maxFileBytes);
      await form.write(chunk);
    }
    return await form.end();
  } catch (error) {
    await form.abandon();
    throw error;
  }
}

class UploadedForm<T> {
  readonly #options: UploadOptions<T>;
  readonly #parser: BusboyInstance;
  readonly #fields = new Map<string, string>();
  readonly #failed = new AbortController();
  #file: BusboyFileStream | undefined;
  #kept: Promise<T> | undefined;

  constructor(type: string, options: UploadOptions<T>) {
    this.#options = options;
    this.#parser = parserOf(type);
    this.#parser.on("error", (cause) => this.#fail(malformed(cause)));
    this.#parser.on(
      "filesLimit",
      () => this.#fail(invalid(`The form has more than one "file"; send them one by one`)),
    );
    this.#parser.on("field", (name, value) => void this.#fields.set(name, value));
    this.#parser.on("file", (_field, file, name) => this.#keep(file, name));
  }

  /** Resolves when there is room for more. */
  async write(chunk: Uint8Array): Promise<void> {
    if (!this.#parser.write(chunk)) await this.#until("drain");
    this.#failed.signal.throwIfAborted();
  }

  async end(): Promise<T> {
    const finished = this.#until("finish");
    this.#parser.end();
    await finished;
    if (!this.#kept) throw invalid(`"file" is missing; send the file as a part of that name`, "file");
    const kept = await this.#kept;
    this.#options.check(this.#fields);
    return kept;
  }

  /** Nothing is left of it then. */
  async abandon(): Promise<void> {
    this.#file?.destroy(new Error("The form was not read to its end"));
    await this.#kept?.then(this.#options.discard).catch(() => {});
  }

  /** @param name `undefined` where the form gives the file none, whatever the parser's types say. */
  #keep(file: BusboyFileStream, name: string | undefined): void {
    this.#file = file;
    file.on("error", () => {}); // whoever reads it hears of it, and nobody may read it any more
    this.#kept = this.#options.keep(name ?? "", ReadableStream.from<Uint8Array>(file));
    this.#kept.catch((error) => this.#fail(error)); // nobody would read on, and the form wait for ever
  }

  #fail(reason: unknown): void {
    this.#failed.abort(reason); // the first one counts
  }

  async #until(event: "drain" | "finish"): Promise<void> {
    const { signal } = this.#failed;
    try {
      await once(this.#parser, event, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }
}

function parserOf(type: string): BusboyInstance {
  if (!/^multipart\/form-data\b/i.test(type)) {
    throw new GatewayError(
      "unsupported_encoding",
      `Files come as forms: send the header "content-type: multipart/form-data", with "purpose" and "file"`,
    );
  }
  try {
    return new Busboy({
      headers: { "content-type": type },
      limits: LIMITS,
      isPartAFile: (name) => name === "file",
    });
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause: unknown): GatewayError {
  return invalid(`The form cannot be read: ${messageOf(cause)}`, undefined, cause);
}

function invalid(message: string, field?: string, cause?: unknown): GatewayError {
  return new GatewayError("invalid_request", message, {
    ...(field && { field }),
    ...(cause !== undefined && { cause }),
  });
}

function tooLarge(maxFileBytes: number): GatewayError {
  const limit = formatBytes(maxFileBytes);
  return new GatewayError(
    "too_large",
    `Cannot keep the file: it has more than ${limit}; send it in parts, or raise batch.max_file`,
  );
}
