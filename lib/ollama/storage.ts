import { join, resolve } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import { GatewayError, messageOf } from "../errors.ts";
import { type Logger, silentLogger } from "../log.ts";
import { checkGgufFiles } from "./gguf_files.ts";
import { GgufFolder } from "./gguf_folder.ts";
import { parseModelName } from "./model_name.ts";
import { type ModelSource, toWanted } from "./model_source.ts";
import { OllamaStore } from "./ollama_store.ts";
import type { ResolvedModel, StoredModel } from "./resolved_model.ts";
import { nearNames } from "./near_names.ts";
import { readEntry } from "./store_file.ts";

/** What a {@linkcode ModelStore} reads, and with what. */
export interface ModelStoreOptions {
  /**
   * In order of preference. Each is an Ollama store (the directory with `manifests/`, or its parent `.ollama`), a
   * directory of GGUF files, or one GGUF file. A root may be absent and appear later.
   */
  roots: readonly string[];
  /** For what is skipped or ambiguous. */
  logger?: Logger;
  /** Tells whether a manifest may still be in writing. */
  clock?: Clock;
}

/** Bounds an operation that reads. */
export interface ReadOptions {
  /** Ends it early, with the signal's reason. */
  signal?: AbortSignal;
}

/** Finds models by name in the files that Ollama and others left on this machine. It never writes. */
export class ModelStore {
  readonly #roots: readonly string[];
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #sources = new Map<string, ModelSource>();

  /** Nothing is read before the first question. */
  constructor({ roots, logger = silentLogger, clock = systemClock }: ModelStoreOptions) {
    this.#roots = roots.map((root) => resolve(root));
    this.#logger = logger;
    this.#clock = clock;
  }

  /**
   * Finds a model by its name, exactly spelled in any root or else with case ignored, and checks that its files are
   * there, as long as they should be, and begin like GGUF files. The text is never taken for a path.
   *
   * @throws {GatewayError} `invalid_request` if it is no model name, `model_not_found`, or `model_unusable` if it is
   * here but llama-server could not load it.
   * @throws The signal's reason, once it aborts.
   */
  async resolve(name: string, { signal }: ReadOptions = {}): Promise<ResolvedModel> {
    const wanted = toWanted(name);
    const failures = new Map<string, GatewayError>();
    for (const match of ["exact", "folded"] as const) {
      for (const root of this.#roots) {
        signal?.throwIfAborted();
        if (failures.has(root)) continue;
        try {
          const model = await (await this.#open(root)).resolve(wanted, match, signal);
          if (model) return model;
        } catch (error) {
          signal?.throwIfAborted(); // the reason may be a GatewayError itself
          if (!(error instanceof GatewayError)) throw error;
          failures.set(root, error); // another root may have a sound copy
        }
      }
    }
    const [failure] = failures.values();
    if (failure) throw failure;
    parseOrRefuse(name);
    throw await this.#notFound(wanted.text);
  }

  /** All models of all roots, one entry for each key; the first root wins. A root that cannot be read is logged. */
  async listModels({ signal }: ReadOptions = {}): Promise<StoredModel[]> {
    const byKey = new Map<string, StoredModel>();
    for (const models of await this.#fromEach((source) => source.list(signal), signal)) {
      for (const model of models) if (!byKey.has(model.key)) byKey.set(model.key, model);
    }
    return [...byKey.values()];
  }

  /** The names here that are most like this one, most alike first; none if nothing is. */
  async nearNames(name: string, count = 3): Promise<string[]> {
    return nearNames(name, (await this.#fromEach((source) => source.names())).flat(), count);
  }

  async #fromEach<T>(ask: (source: ModelSource) => Promise<T>, signal?: AbortSignal): Promise<T[]> {
    const answers: T[] = [];
    for (const root of this.#roots) {
      signal?.throwIfAborted();
      try {
        answers.push(await ask(await this.#open(root)));
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof GatewayError)) throw error;
        this.#logger.warn("model root skipped", { root, error });
      }
    }
    return answers;
  }

  /** Looks each time: a root that is absent today may be an Ollama store tomorrow. */
  async #open(root: string): Promise<ModelSource> {
    for (const directory of [root, join(root, "models")]) {
      if ((await readEntry(join(directory, "manifests")))?.type !== "directory") continue;
      return this.#source(directory, () => {
        return new OllamaStore(directory, { logger: this.#logger, clock: this.#clock });
      });
    }
    return this.#source(`${root} as a folder`, () => new GgufFolder(root, this.#logger));
  }

  #source(key: string, create: () => ModelSource): ModelSource {
    const source = this.#sources.get(key) ?? create();
    this.#sources.set(key, source);
    return source;
  }

  async #notFound(text: string): Promise<GatewayError> {
    const absent = await this.#explainAbsence();
    if (absent !== undefined) {
      return new GatewayError("model_not_found", `Cannot find model "${text}": ${absent}`);
    }
    const near = await this.nearNames(text);
    const cure = near.length > 0
      ? `did you mean ${near.map((name) => `"${name}"`).join(" or ")}?`
      : `pull it with "ollama pull ${text}"`;
    return new GatewayError("model_not_found", `Cannot find model "${text}"; ${cure}`);
  }

  /** Why no model can be found at all, if so. Clients read it: it names no path. */
  async #explainAbsence(): Promise<string | undefined> {
    if (this.#roots.length === 0) {
      return "there is no Ollama store on this machine; say where models are by models, --models or OLLAMA_MODELS";
    }
    if ((await Promise.all(this.#roots.map(exists))).some(Boolean)) return undefined;
    return "none of the configured model directories exists on this machine; " +
      "correct models, --models or OLLAMA_MODELS";
  }
}

/** Whether anything is there. What cannot be said is taken for there: its own sentence tells more. */
function exists(path: string): Promise<boolean> {
  return readEntry(path).then((entry) => entry !== undefined, () => true);
}

/**
 * Takes a path that the operator gave (never a client): a GGUF file, any shard of a split one, or an Ollama blob.
 *
 * @throws {GatewayError} `model_not_found` if nothing is there, `model_unusable` if it is no GGUF file.
 */
export async function resolvePath(path: string): Promise<ResolvedModel> {
  const file = await checkGgufFiles(path);
  const none = { projectorPaths: [], adapterPaths: [], params: {}, licenses: [], warnings: [] };
  return { ...file, key: toWanted(file.name).key, source: "gguf", ...none };
}

function parseOrRefuse(name: string): void {
  try {
    parseModelName(name);
  } catch (error) {
    throw new GatewayError("invalid_request", messageOf(error), { cause: error, field: "model" });
  }
}
