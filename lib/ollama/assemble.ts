import { GatewayError, messageOf } from "../errors.ts";
import type { Blob, BlobFolder } from "./blob_folder.ts";
import type { ManifestLayer } from "./manifest.ts";
import { decodeMessages } from "./model_config.ts";
import { decodeParams, type ModelParams } from "./params.ts";
import type { ResolvedModel } from "./resolved_model.ts";
import type { StoredManifest } from "./stored_manifest.ts";

/** A resolved model, and the blobs that must stay as they are for it to remain true. */
export interface AssembledModel {
  /** The model, for those who will load it. */
  readonly model: ResolvedModel;
  /** Its GGUF blobs. Those of text are in memory and, being named by their content, cannot change. */
  readonly blobs: readonly Blob[];
}

/**
 * Finds and checks the blobs of a model and reads its texts. Template and licences may be missing, with a warning,
 * because llama-server reads neither; all else is needed.
 *
 * @throws {GatewayError} `model_unusable` if llama-server could not load it, with the reason.
 * @throws {SyntaxError} If stored params or messages are no JSON.
 */
export async function assembleModel(stored: StoredManifest, blobs: BlobFolder): Promise<AssembledModel> {
  const { manifest, config, details } = stored;
  const weights = requireWeights(stored);
  const warnings = [...details.warnings];
  const findAll = (layers: readonly ManifestLayer[]) =>
    Promise.all(layers.map((layer) => blobs.findGguf(layer)));
  const [model, projectors, adapters] = await Promise.all([
    blobs.findGguf(weights),
    findAll(manifest.projectors),
    findAll(manifest.adapters),
  ]);
  const draft = await optional(warnings, "draft model", manifest.draft, (layer) => blobs.findGguf(layer));
  const readOptional = (what: string, layer: ManifestLayer | undefined) =>
    optional(warnings, what, layer, (layer) => blobs.readText(layer));
  const licenses = await Promise.all(manifest.licenses.map((layer) => readOptional("licence", layer)));
  const resolved: ResolvedModel = {
    ...details,
    modelPath: model.path,
    sizeBytes: weights.sizeBytes,
    digest: weights.digest,
    projectorPaths: projectors.map(({ path }) => path),
    adapterPaths: adapters.map(({ path }) => path),
    draftPath: draft?.path,
    params: await readParams(manifest.params, blobs, warnings),
    template: await readOptional("template", manifest.template),
    system: manifest.system && await blobs.readText(manifest.system),
    messages: manifest.messages && decodeMessages(await blobs.readText(manifest.messages)),
    renderer: config.renderer,
    licenses: licenses.filter((text) => text !== undefined),
    warnings,
  };
  return { model: resolved, blobs: [model, ...projectors, ...adapters, ...draft ? [draft] : []] };
}

function requireWeights({ kind, manifest, config }: StoredManifest): ManifestLayer {
  if (kind === "gguf") return manifest.models[0]!;
  throw new GatewayError(
    "model_unusable",
    {
      cloud: `It has no weights here but runs as "${config.remoteModel ?? "a cloud model"}" at ` +
        `${config.remoteHost ?? "a remote host"}; ask for it at an Ollama node that is signed in there`,
      safetensors:
        `It is stored as ${manifest.tensorCount} safetensors tensors, which only Ollama's MLX runner ` +
        `loads; ask for it at an Ollama node, or pull a GGUF variant`,
      ambiguous:
        `Its manifest lists ${manifest.models.length} GGUF files and does not say which one to load; ` +
        `create it again from a single file`,
      empty: `Its manifest lists no weights; pull or create the model again`,
    }[kind],
  );
}

async function optional<T>(
  warnings: string[],
  what: string,
  layer: ManifestLayer | undefined,
  read: (layer: ManifestLayer) => Promise<T>,
): Promise<T | undefined> {
  try {
    return layer && await read(layer);
  } catch (error) {
    warnings.push(`${what} ignored: ${messageOf(error)}`);
    return undefined;
  }
}

async function readParams(
  layers: readonly ManifestLayer[],
  blobs: BlobFolder,
  warnings: string[],
): Promise<ModelParams> {
  let params: ModelParams = {};
  for (const layer of layers) {
    const decoded = decodeParams(JSON.parse(await blobs.readText(layer)));
    params = { ...params, ...decoded.params };
    warnings.push(...decoded.warnings);
  }
  return params;
}
