import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { BlobFolder } from "./blob_folder.ts";
import type { Manifest } from "./manifest.ts";
import { readManifest } from "./manifest_file.ts";
import type { LocatedManifest } from "./manifest_tree.ts";
import { decodeModelConfig, type ModelConfig, type ModelKind, modelKind } from "./model_config.ts";
import { displayName, nameKey } from "./model_name.ts";
import type { ModelDetails, StoredModel } from "./resolved_model.ts";
import type { FileStamp } from "./store_file.ts";

/** A manifest and its config: what can be said of a model without looking at its weights. */
export interface StoredManifest {
  /** What is told to others. */
  readonly details: ModelDetails;
  /** The file's state when it was read. */
  readonly stamp: FileStamp;
  /** What it lists. */
  readonly manifest: Manifest;
  /** Empty if the manifest has none, or it could not be read. */
  readonly config: ModelConfig;
  /** Who can load it. */
  readonly kind: ModelKind;
}

/**
 * Reads a manifest and its config; undefined if there is no manifest. A config that cannot be read is a warning only.
 *
 * @throws {GatewayError} `model_unusable` if the manifest cannot be read or is corrupt.
 */
export async function readStoredManifest(
  { path, name }: LocatedManifest,
  blobs: BlobFolder,
  options: { clock: Clock; signal?: AbortSignal | undefined },
): Promise<StoredManifest | undefined> {
  const file = await readManifest(path, options);
  if (!file) return undefined;
  const { manifest, digest, stamp } = file;
  const warnings = [...manifest.warnings];
  const config = await readConfig(manifest, blobs, warnings);
  const details: ModelDetails = {
    name: displayName(name),
    key: nameKey(name),
    source: "ollama",
    modifiedAtMs: stamp.modifiedAtMs,
    manifestDigest: digest,
    manifestPath: path,
    family: config.family,
    parameterSize: config.parameterSize,
    quantization: config.quantization,
    warnings,
  };
  return { details, stamp, manifest, config, kind: modelKind(manifest, config) };
}

/** Its entry in the list of models. */
export function toStoredModel({ details, manifest, kind }: StoredManifest): StoredModel {
  return { ...details, kind, sizeBytes: manifest.sizeBytes };
}

async function readConfig(manifest: Manifest, blobs: BlobFolder, warnings: string[]): Promise<ModelConfig> {
  if (!manifest.config) return {};
  try {
    return decodeModelConfig(await blobs.readText(manifest.config));
  } catch (error) {
    warnings.push(`config ignored: ${messageOf(error)}`);
    return {};
  }
}
