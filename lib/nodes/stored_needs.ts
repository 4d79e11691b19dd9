import { GatewayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { needOfContent } from "../planner/node_need.ts";
import { openGguf } from "../store/gguf_file.ts";
import type { GgufHeaderCache } from "../store/gguf_header_cache.ts";
import type { ModelNeed } from "./model_need.ts";

/** A model of our own store that was weighed. */
export interface StoredNeed {
  /** What tells it from what the store has under this name later. */
  readonly version: string;
  /** Of its manifest, hex; `undefined` for a plain file. */
  readonly digest: string | undefined;
  /** What it takes where it runs whole. */
  readonly need: ModelNeed;
}

/** Models whose needs are kept; the one that was learned first goes first. */
const MAX_MODELS = 1_000;

/** What the models of our own store take, by their own files. Bounded. */
export class StoredNeeds {
  readonly #needs = new Map<string, StoredNeed>();

  /** Reads nothing yet. `headers` saves reading a model's header again. */
  constructor(private readonly logger: Logger, private readonly headers: GgufHeaderCache | undefined) {}

  /** What is known of the model with this key. */
  get(key: string): StoredNeed | undefined {
    return this.#needs.get(key);
  }

  /**
   * Reads the header of a model's file, unless it is known as it is now.
   *
   * @returns `undefined` if the file cannot be read or is no model: that is logged, and for who loads it to tell.
   * @throws The signal's reason.
   */
  async learn(model: ResolvedModel, signal: AbortSignal): Promise<ModelNeed | undefined> {
    const version = [model.modelPath, model.digest, model.manifestDigest, model.modifiedAtMs].join(" ");
    const known = this.#needs.get(model.key);
    if (known?.version === version) return known.need;
    const need = await this.#read(model, signal);
    if (!need) return undefined;
    this.#needs.delete(model.key);
    this.#needs.set(model.key, { version, digest: model.manifestDigest, need });
    if (this.#needs.size > MAX_MODELS) this.#needs.delete(this.#needs.keys().next().value!);
    return need;
  }

  async #read(model: ResolvedModel, signal: AbortSignal): Promise<ModelNeed | undefined> {
    const { name, params, modelPath, projectorPaths, adapterPaths, draftPath } = model;
    try {
      const cache = this.headers;
      const { model: content } = await openGguf(modelPath, { signal, ...(cache && { cache }) });
      const parts = [...projectorPaths.slice(0, 1), ...adapterPaths, ...(draftPath ? [draftPath] : [])];
      const sizes = await Promise.all(parts.map(sizeOf));
      const weightBytes = sizes.reduce((sum, bytes) => sum + bytes, content.weights.totalBytes);
      const { parameterCount } = content;
      return needOfContent(content, { name, params, weightBytes, parameterCount, source: "gguf" });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof GatewayError)) throw error;
      this.logger.debug("model need not read", { model: name, error });
      return undefined;
    }
  }
}

/** What is gone in this moment takes no memory: whoever loads the model will miss it. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch {
    return 0;
  }
}
