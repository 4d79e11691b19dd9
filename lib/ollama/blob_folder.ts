import { join } from "node:path";
import { GatewayError } from "../errors.ts";
import { formatBytes, MIB } from "../units.ts";
import { checkGgufFile } from "./gguf_files.ts";
import { blobFileNames, type ManifestLayer } from "./manifest.ts";
import { type FileStamp, readEntry, readNames, readSmallFile } from "./store_file.ts";

/** Far above any real template, licence or system message. */
const MAX_TEXT_BYTES = 8 * MIB;

/** A blob that is there and as long as its manifest says. */
export interface Blob {
  /** Where it is; links are not resolved. */
  readonly path: string;
  /** Its state when it was looked at. */
  readonly stamp: FileStamp;
}

/** The `blobs/` directory of an Ollama store. Only reads: what others put there is pruned by Ollama. */
export class BlobFolder {
  readonly #directory: string;

  /** Nothing is read before the first question. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Finds a blob under its present or its former name.
   *
   * @throws {GatewayError} `model_unusable` if it is missing, still downloading, or of another length.
   */
  async find(layer: ManifestLayer): Promise<Blob> {
    for (const name of blobFileNames(layer.digest)) {
      const path = join(this.#directory, name);
      const entry = await readEntry(path);
      if (!entry) continue;
      if (entry.type === "file" && entry.sizeBytes === layer.sizeBytes) return { path, stamp: entry };
      const sizes = `has ${entry.sizeBytes} bytes, its manifest says ${layer.sizeBytes}`;
      throw unusable(`Blob "${path}" ${entry.type === "file" ? sizes : "is no file"}; pull the model again`);
    }
    throw unusable(await this.#explainMissing(layer));
  }

  /**
   * Finds a blob that must be a GGUF file, and reads its first bytes.
   *
   * @throws {GatewayError} `model_unusable` as {@linkcode find}, and if it is no GGUF file.
   */
  async findGguf(layer: ManifestLayer): Promise<Blob> {
    const blob = await this.find(layer);
    await checkGgufFile(blob.path);
    return blob;
  }

  /**
   * Reads a blob of text.
   *
   * @throws {GatewayError} `model_unusable` as {@linkcode find}, and if it is longer than any text should be.
   */
  async readText(layer: ManifestLayer): Promise<string> {
    const { path } = await this.find(layer);
    const file = await readSmallFile(path, MAX_TEXT_BYTES);
    if (!file) throw unusable(await this.#explainMissing(layer));
    return new TextDecoder().decode(file.bytes);
  }

  async #explainMissing(layer: ManifestLayer): Promise<string> {
    const [name] = blobFileNames(layer.digest);
    const names = await readNames(this.#directory);
    if (!names.includes(`${name}-partial`)) {
      return `Blob "${join(this.#directory, name)}" (${
        formatBytes(layer.sizeBytes)
      }) is missing; pull the model again`;
    }
    const states = names.filter((other) => other.startsWith(`${name}-partial-`));
    const counts = await Promise.all(states.map((state) => completedBytes(join(this.#directory, state))));
    const done = formatBytes(counts.reduce((sum, count) => sum + count, 0));
    return `Blob "${name}" is still downloading, ${done} of ${
      formatBytes(layer.sizeBytes)
    }; wait, or pull the model again`;
  }
}

/** The `-partial` file has its full length from the start: progress is only in the state files of its parts. */
async function completedBytes(statePath: string): Promise<number> {
  try {
    const file = await readSmallFile(statePath, MAX_TEXT_BYTES);
    const state = JSON.parse(new TextDecoder().decode(file?.bytes)) as { Completed?: unknown } | null;
    return typeof state?.Completed === "number" ? state.Completed : 0;
  } catch {
    return 0; // rewritten or removed at this moment; the count is for a sentence only
  }
}

function unusable(sentence: string): GatewayError {
  return new GatewayError("model_unusable", sentence);
}
