import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { GatewayError } from "../errors.ts";
import { formatBytes } from "../units.ts";
import type { FileQuery, Page, StoredFile } from "./batch.ts";
import type { FileFolder } from "./file_folder.ts";
import { FileRoom } from "./file_room.ts";
import type { FileStore } from "./file_store.ts";
import { noSuchFile } from "./not_found.ts";
import { notKept } from "./not_kept.ts";

const MAX_NAME_LENGTH = 255;

/** What {@linkcode StoredFiles} needs. */
export interface StoredFilesOptions {
  /** Says how large a file may be; read at each use. */
  readonly config: Pick<Config, "batch">;
  /** What is known of the files. */
  readonly files: FileStore;
  /** Their content. */
  readonly folder: FileFolder;
  /** Dates them. */
  readonly clock: Clock;
  /** A name that no other thing has, of letters and digits. */
  readonly randomId: () => string;
}

/** The files that clients send and fetch. */
export class StoredFiles {
  readonly #options: StoredFilesOptions;
  readonly #room: FileRoom;

  /** Those that are there already count too. */
  constructor(options: StoredFilesOptions) {
    this.#options = options;
    this.#room = new FileRoom(options);
  }

  /**
   * Keeps a file, of any size, in constant memory.
   *
   * @param name For people; it names nothing on the disk.
   * @param owner Whose it is.
   * @throws {GatewayError} `too_large`, also if all files together are; `upstream_failed` if it cannot be written. What the stream throws.
   */
  async add(name: string, content: ReadableStream<Uint8Array>, owner?: string): Promise<StoredFile> {
    const { config, files, folder, clock, randomId } = this.#options;
    const id = `file-${randomId()}`;
    using claim = this.#room.claim();
    await using writer = await folder.begin(id);
    for await (const chunk of content) {
      if (writer.sizeBytes + chunk.length > config.batch.fileBytes) throw tooLarge(config.batch.fileBytes);
      claim.grow(chunk.length);
      await writer.write(chunk);
    }
    await writer.keep();
    const shown = shownName(name);
    const file: StoredFile = {
      id,
      name: shown,
      purpose: "batch",
      sizeBytes: writer.sizeBytes,
      createdAtMs: clock.now(),
      owner,
    };
    if (files.add(file)) return file;
    folder.remove(id);
    throw notKept(`keep file "${shown}"`);
  }

  /** The newest first. @throws {GatewayError} `not_found` if there is no file `after`. */
  list(query: FileQuery): Page<StoredFile> {
    if (query.after !== undefined) this.get(query.after);
    return this.#options.files.page(query);
  }

  /** What is known of a file. @throws {GatewayError} `not_found`. */
  get(id: string): StoredFile {
    const file = this.#options.files.get(id);
    if (file) return file;
    throw noSuchFile(id);
  }

  /** Its content; read it to the end, or cancel it. @throws {GatewayError} `not_found`; `upstream_failed`. */
  read(id: string): ReadableStream<Uint8Array> {
    return this.#options.folder.open(this.get(id).id).readable;
  }

  /** Forgets a file. @throws {GatewayError} `not_found`; `conflict` if a batch that has not ended reads it; `upstream_failed`. */
  remove(id: string): void {
    const { files, folder } = this.#options;
    const file = this.get(id);
    if (files.isRead(id)) {
      throw new GatewayError(
        "conflict",
        `Cannot remove file "${id}": a batch that runs reads it; cancel that first`,
      );
    }
    if (!files.remove(id)) throw notKept(`remove file "${id}"`);
    folder.remove(file.id);
  }
}

/** Clients send anything: nothing that would garble a terminal or end in the middle. */
function shownName(name: string): string {
  const shown = name.toWellFormed().replaceAll(/\p{Cc}/gu, "\ufffd").slice(0, MAX_NAME_LENGTH).toWellFormed();
  return shown === "" ? "unnamed" : shown;
}

function tooLarge(maxBytes: number): GatewayError {
  const message = `Cannot keep the file: it has more than ${
    formatBytes(maxBytes)
  }; send it in parts, or raise batch.max_file`;
  return new GatewayError("too_large", message);
}
