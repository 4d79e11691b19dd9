import type { Config } from "../config/config.ts";
import { GatewayError } from "../errors.ts";
import { formatBytes } from "../units.ts";
import type { FileStore } from "./file_store.ts";

/** All files together may have as much as so many of the largest. */
const MAX_LARGEST_COUNT = 50;
/** Files of one byte take room too. */
const MAX_COUNT = 50_000;

/** The room of an upload. Dispose it when the file is known, or given up. */
export interface FileClaim extends Disposable {
  /** Takes room for more. @throws {GatewayError} `too_large` if there is none. */
  grow(byteCount: number): void;
}

/** The room that all files have together, those that are under way included: anybody in the network may upload. */
export class FileRoom {
  readonly #config: Pick<Config, "batch">;
  readonly #files: Pick<FileStore, "total">;
  #known = { count: 0, bytes: 0 };
  #underWay = { count: 0, bytes: 0 };

  /** Those that are there already count too. */
  constructor(
    { config, files }: { readonly config: Pick<Config, "batch">; readonly files: Pick<FileStore, "total"> },
  ) {
    this.#config = config;
    this.#files = files;
  }

  /** Takes room for a file that begins. @throws {GatewayError} `too_large` if there is none. */
  claim(): FileClaim {
    this.#known = this.#files.total();
    this.#check({ count: 1, bytes: 0 });
    let ownBytes = 0;
    this.#underWay.count++;
    return {
      grow: (byteCount) => {
        this.#check({ count: 0, bytes: byteCount });
        ownBytes += byteCount;
        this.#underWay.bytes += byteCount;
      },
      [Symbol.dispose]: () => {
        this.#underWay.count--;
        this.#underWay.bytes -= ownBytes;
        this.#known = this.#files.total(); // it may be among them by now
      },
    };
  }

  #check(more: { readonly count: number; readonly bytes: number }): void {
    const { fileBytes } = this.#config.batch;
    const maxBytes = MAX_LARGEST_COUNT * fileBytes;
    const hasRoom = this.#known.count + this.#underWay.count + more.count <= MAX_COUNT &&
      this.#known.bytes + this.#underWay.bytes + more.bytes <= maxBytes;
    if (hasRoom) return;
    throw new GatewayError(
      "too_large",
      `Cannot keep the file: all files together may have ${
        formatBytes(maxBytes)
      }, ${MAX_LARGEST_COUNT} times ` +
        `batch.max_file, and be ${MAX_COUNT}, and ${this.#known.count} are there with ${
          formatBytes(this.#known.bytes)
        }; remove some by DELETE /v1/files/ID, shorten batch.keep, or raise batch.max_file`,
    );
  }
}
