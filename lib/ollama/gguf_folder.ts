import { basename, dirname, join } from "node:path";
import { GatewayError } from "../errors.ts";
import { parseShardName } from "../gguf/split.ts";
import type { Logger } from "../log.ts";
import { checkGgufFiles, type GgufFiles, ggufName } from "./gguf_files.ts";
import { type ModelSource, type SpellingMatch, toWanted, type WantedModel } from "./model_source.ts";
import type { ResolvedModel, StoredModel } from "./resolved_model.ts";
import { readEntry, readNames } from "./store_file.ts";

/** Directories below the root that are searched; a Hugging Face cache needs four (`models--…/snapshots/…`). */
const MAX_DEPTH = 4;

/** One model of the folder, not opened yet. */
interface FolderEntry {
  readonly name: string;
  readonly key: string;
  readonly path: string;
  readonly projectorPaths: readonly string[];
}

/** A single GGUF file, or a directory with GGUF files in it and in its subdirectories. */
export class GgufFolder implements ModelSource {
  readonly #root: string;
  readonly #logger: Logger;
  /** What the last search found; searched again as soon as something that is asked for is not in it. */
  #entries: FolderEntry[] | undefined;

  /** Nothing is read before the first question. */
  constructor(root: string, logger: Logger) {
    this.#root = root;
    this.#logger = logger;
  }

  /** The model if its file is here and begins like a GGUF file; of several with one name, the first by path. */
  async resolve(wanted: WantedModel, match: SpellingMatch): Promise<ResolvedModel | undefined> {
    const known = pick(this.#entries ?? await this.#search(), wanted, match);
    if (known) {
      const file = await checkGgufFiles(known.entry.path).catch(ignoreNotFound);
      if (file) return toResolved(known.entry, file, known.warnings);
    }
    if (!known && match === "exact") return undefined; // the folded attempt that follows will search
    const found = pick(await this.#search(), wanted, match);
    return found && toResolved(found.entry, await checkGgufFiles(found.entry.path), found.warnings);
  }

  /** All models whose files begin like GGUF files. */
  async list(signal?: AbortSignal): Promise<StoredModel[]> {
    const models = new Map<string, StoredModel>();
    for (const entry of await this.#search()) {
      signal?.throwIfAborted();
      const file = await this.#orSkip(entry.path, () => checkGgufFiles(entry.path));
      if (!file) continue;
      const seen = models.get(entry.key);
      const listed = { ...toDetails(entry, file, []), kind: "gguf", sizeBytes: file.sizeBytes } as const;
      models.set(entry.key, seen ? { ...seen, warnings: [...seen.warnings, unused(entry)] } : listed);
    }
    return [...models.values()];
  }

  /** Names without `.gguf`, without opening the files. */
  async names(): Promise<string[]> {
    return (await this.#search()).map(({ name }) => name);
  }

  async #search(): Promise<FolderEntry[]> {
    const isFile = (await readEntry(this.#root))?.type === "file";
    const paths = isFile ? [this.#root] : await this.#ggufPaths(this.#root, MAX_DEPTH);
    this.#entries = [...Map.groupBy(paths, dirname).values()].flatMap(toEntries);
    return this.#entries;
  }

  async #ggufPaths(directory: string, depth: number): Promise<string[]> {
    const paths: string[] = [];
    for (const name of await readNames(directory)) {
      const path = join(directory, name);
      if (name.startsWith(".")) continue;
      if (/\.gguf$/i.test(name)) paths.push(path);
      else if (depth > 0) {
        paths.push(...await this.#orSkip(path, () => this.#ggufPathsBelow(path, depth)) ?? []);
      }
    }
    return paths;
  }

  async #ggufPathsBelow(path: string, depth: number): Promise<string[]> {
    const isDirectory = (await readEntry(path))?.type === "directory";
    return isDirectory ? await this.#ggufPaths(path, depth - 1) : [];
  }

  /** What is closed or broken must not hide the rest of the folder. */
  async #orSkip<T>(path: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#logger.warn("part of a model folder skipped", { path, error });
      return undefined;
    }
  }
}

/**
 * The models among the files of one directory. A split model counts once, by its first shard; `mmproj…` files are no
 * models but, where a directory holds a single model, belong to it (as llama-server's own models directory has it).
 */
function toEntries(paths: string[]): FolderEntry[] {
  const projectorPaths = paths.filter((path) => /^mmproj/i.test(basename(path)));
  const modelPaths = paths.filter((path) => {
    return !projectorPaths.includes(path) && (parseShardName(basename(path))?.index ?? 0) === 0;
  });
  return modelPaths.map((path) => {
    const name = ggufName(path);
    return {
      name,
      key: toWanted(name).key,
      path,
      projectorPaths: modelPaths.length === 1 ? projectorPaths : [],
    };
  });
}

function pick(
  entries: FolderEntry[],
  wanted: WantedModel,
  match: SpellingMatch,
): { entry: FolderEntry; warnings: string[] } | undefined {
  const [entry, ...others] = match === "exact"
    ? entries.filter(({ name }) => name === wanted.text)
    : entries.filter(({ key }) => key === wanted.key);
  return entry && { entry, warnings: others.map(unused) };
}

function unused({ path }: FolderEntry): string {
  return `"${path}" has the same name and is not used`;
}

function toDetails(entry: FolderEntry, file: GgufFiles, warnings: readonly string[]) {
  const { name, key } = entry;
  return { name, key, source: "gguf", modifiedAtMs: file.modifiedAtMs, warnings } as const;
}

function toResolved(entry: FolderEntry, file: GgufFiles, warnings: readonly string[]): ResolvedModel {
  const { modelPath, sizeBytes } = file;
  const none = { adapterPaths: [], params: {}, licenses: [] };
  return {
    ...toDetails(entry, file, warnings),
    ...none,
    modelPath,
    sizeBytes,
    projectorPaths: entry.projectorPaths,
  };
}

function ignoreNotFound(error: unknown): undefined {
  if (error instanceof GatewayError && error.code === "model_not_found") return undefined;
  throw error;
}
