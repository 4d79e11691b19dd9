import type { Clock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import { MIB } from "../units.ts";
import { decodeManifest, type Manifest, ManifestSyntaxError } from "./manifest.ts";
import { equalStamps, type FileStamp, readSmallFile } from "./store_file.ts";

/** A safetensors model with 50,000 tensors has a manifest of about 12 MiB; a GGUF model's has 1 KiB. */
const MAX_MANIFEST_BYTES = 16 * MIB;
/** Looks at one and the same torn manifest before it is called corrupt. */
const LOOKS = 5;
/** Looks at a torn manifest that changes between them. */
const LOOKS_WHILE_CHANGING = 40;
const RETRY_MS = 30;

/** A file unchanged for this long is not being written now. Coarser than any file system's time stamps (FAT: 2 s). */
const SETTLED_MS = 3_000;

/** A manifest as it was read. */
export interface ManifestFile {
  /** What it says. */
  readonly manifest: Manifest;
  /** SHA-256 of its bytes in hex: Ollama's digest of the model. */
  readonly digest: string;
  /** The file's state just before it was read. */
  readonly stamp: FileStamp;
}

/**
 * Reads a manifest; undefined if there is none. Ollama truncates a manifest and then writes it, so that what was
 * found cut short in a file that changed just now is read again: for 120 ms, or 1.2 s while it keeps changing.
 *
 * @throws {GatewayError} `model_unusable` if it cannot be read or is corrupt.
 * @throws The signal's reason, once it aborts.
 */
export async function readManifest(
  path: string,
  { clock, signal }: { clock: Clock; signal?: AbortSignal | undefined },
): Promise<ManifestFile | undefined> {
  let last: FileStamp | undefined;
  for (let look = 1, sameLooks = 1;; look++) {
    signal?.throwIfAborted();
    const file = await readSmallFile(path, MAX_MANIFEST_BYTES);
    if (!file) return undefined;
    try {
      return decode(file);
    } catch (error) {
      if (!(error instanceof ManifestSyntaxError)) throw error;
      sameLooks = last && equalStamps(last, file.stamp) ? sameLooks + 1 : 1;
      const isFinal = !error.isCutShort || isSettled(file.stamp, clock);
      if (isFinal || sameLooks >= LOOKS || look >= LOOKS_WHILE_CHANGING) throw corrupt(path, error);
    }
    last = file.stamp;
    await clock.sleep(RETRY_MS, signal ? { signal } : {});
  }
}

/**
 * Whether the file's stamp can be trusted to change with the next change of its content. Two writes within one tick
 * of the file system's clock leave the same stamp.
 */
export function isSettled(stamp: FileStamp, clock: Clock): boolean {
  return clock.now() - stamp.modifiedAtMs > SETTLED_MS;
}

function decode({ bytes, stamp }: { bytes: Uint8Array; stamp: FileStamp }): ManifestFile {
  return { manifest: decodeManifest(bytes), digest: sha256(bytes), stamp };
}

function corrupt(path: string, cause: ManifestSyntaxError): GatewayError {
  const sentence = `Cannot read manifest "${path}": ${cause.message}; pull or create the model again`;
  return new GatewayError("model_unusable", sentence, { cause });
}
