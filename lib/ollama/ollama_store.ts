import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { mapConcurrently } from "../concurrent.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { type AssembledModel, assembleModel } from "./assemble.ts";
import { BlobFolder } from "./blob_folder.ts";
import { isSettled } from "./manifest_file.ts";
import { type LocatedManifest, ManifestTree } from "./manifest_tree.ts";
import { displayName } from "./model_name.ts";
import type { ModelSource, SpellingMatch, WantedModel } from "./model_source.ts";
import type { ResolvedModel, StoredModel } from "./resolved_model.ts";
import { equalStamps, type FileStamp, readEntry } from "./store_file.ts";
import { readStoredManifest, type StoredManifest, toStoredModel } from "./stored_manifest.ts";

const READS_IN_FLIGHT = 16;
/** How often a model is assembled anew because its manifest was replaced meanwhile. */
const ATTEMPTS = 3;

/**
 * An Ollama store: `manifests/` and `blobs/` side by side. Read only: it never creates a directory, unlike Ollama,
 * which does so at each look. What was read is kept, and used again as long as the stamps of the files stay the same.
 */
export class OllamaStore implements ModelSource {
  readonly #tree: ManifestTree;
  readonly #blobs: BlobFolder;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #manifests = new Map<string, StoredManifest>();
  readonly #models = new Map<string, AssembledModel>();
  /** What was logged about which manifest, so that a broken one is not logged with each list. */
  readonly #reported = new Map<string, string>();

  /** Nothing is read before the first question. */
  constructor(directory: string, { logger, clock }: { logger: Logger; clock: Clock }) {
    this.#tree = new ManifestTree(join(directory, "manifests"));
    this.#blobs = new BlobFolder(join(directory, "blobs"));
    this.#logger = logger;
    this.#clock = clock;
  }

  /** The model whose manifest is where the name says, or at a path that differs only in case. */
  async resolve(
    wanted: WantedModel,
    match: SpellingMatch,
    signal?: AbortSignal,
  ): Promise<ResolvedModel | undefined> {
    if (!wanted.name) return undefined;
    if (match === "exact") return await this.#resolveAt(this.#tree.locate(wanted.name), signal);
    const [first, ...others] = await this.#tree.locateFolded(wanted.name);
    const model = first && await this.#resolveAt(first, signal);
    return model && withOtherSpellings(model, others.map(({ name }) => displayName(name)));
  }

  /** All models whose manifest can be read. */
  async list(signal?: AbortSignal): Promise<StoredModel[]> {
    const located = await this.#tree.locateAll();
    const entries = await mapConcurrently(located, READS_IN_FLIGHT, (one) => this.#listEntry(one, signal));
    const byKey = Map.groupBy(entries.filter((entry) => entry !== undefined), ({ key }) => key);
    return [...byKey.values()].map(([first, ...others]) => {
      return withOtherSpellings(first!, others.map(({ name }) => name));
    });
  }

  /** Display names, from the paths of the manifests alone. */
  async names(): Promise<string[]> {
    return (await this.#tree.locateAll()).map(({ name }) => displayName(name));
  }

  async #listEntry(located: LocatedManifest, signal?: AbortSignal): Promise<StoredModel | undefined> {
    try {
      const stored = await this.#read(located, signal);
      return stored && toStoredModel(stored);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof GatewayError)) throw error;
      if (this.#reported.get(located.path) !== error.message) {
        this.#logger.warn("model left out of the list", { path: located.path, error });
        this.#reported.set(located.path, error.message);
      }
      return undefined;
    }
  }

  async #resolveAt(located: LocatedManifest, signal?: AbortSignal): Promise<ResolvedModel | undefined> {
    for (let attempt = 1;; attempt++) {
      const stored = await this.#read(located, signal);
      if (!stored) return undefined;
      try {
        return await this.#assemble(located.path, stored);
      } catch (error) {
        if (!(error instanceof GatewayError || error instanceof SyntaxError)) throw error;
        // A pull may have replaced the manifest, and deleted the old blobs, between our two looks.
        const now = await readEntry(located.path);
        const isReplaced = !now || !equalStamps(now, stored.stamp);
        if (!isReplaced || attempt === ATTEMPTS) throw cannotLoad(stored, error);
      }
    }
  }

  async #assemble(path: string, stored: StoredManifest): Promise<ResolvedModel> {
    const known = this.#models.get(path);
    if (known && isOf(stored, known.model) && await isIntact(known)) return known.model;
    const assembled = await assembleModel(stored, this.#blobs);
    this.#models.set(path, assembled);
    return assembled.model;
  }

  /** The manifest and its config, from memory while the manifest's stamp is the same. */
  async #read(located: LocatedManifest, signal?: AbortSignal): Promise<StoredManifest | undefined> {
    signal?.throwIfAborted();
    const { path } = located;
    const entry = await readEntry(path);
    const known = this.#manifests.get(path);
    if (known && entry && equalStamps(known.stamp, entry)) return known;
    this.#manifests.delete(path);
    if (!entry || entry.type === "directory") return undefined; // Ollama, too, takes no directory for a manifest
    const stored = await readStoredManifest(located, this.#blobs, { clock: this.#clock, signal });
    if (stored && isSettled(stored.stamp, this.#clock)) this.#manifests.set(path, stored);
    return stored;
  }
}

function isOf({ details }: StoredManifest, model: ResolvedModel): boolean {
  return model.manifestDigest === details.manifestDigest && model.modifiedAtMs === details.modifiedAtMs;
}

/** Whether the blobs are still there and unchanged: a user may delete them and leave the manifest. */
async function isIntact({ blobs }: AssembledModel): Promise<boolean> {
  const isSame = async ({ path, stamp }: { path: string; stamp: FileStamp }) => {
    const entry = await readEntry(path);
    return entry !== undefined && equalStamps(entry, stamp);
  };
  return (await Promise.all(blobs.map(isSame))).every(Boolean);
}

function withOtherSpellings<T extends StoredModel | ResolvedModel>(model: T, others: string[]): T {
  if (others.length === 0) return model;
  const warning = `also stored as ${others.join(", ")}, which differs only in case; "${model.name}" is used`;
  return { ...model, warnings: [...model.warnings, warning] };
}

function cannotLoad({ details }: StoredManifest, error: Error): GatewayError {
  const reason = error.message.replace(/^[A-Z]/, (letter) => letter.toLowerCase());
  return new GatewayError("model_unusable", `Cannot load "${details.name}": ${reason}`, { cause: error });
}
