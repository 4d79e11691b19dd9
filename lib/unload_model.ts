import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { Deadline } from "./deadline.ts";
import { GatewayError, messageOf } from "./errors.ts";
import type { HttpClient } from "./http/client.ts";
import { HttpError } from "./http/error.ts";
import type { KnownNode } from "./nodes/node.ts";
import { resolveAlias } from "./router/aliases.ts";
import type { ModelCatalog } from "./router/catalog.ts";
import { formatDuration, MIB } from "./units.ts";

/** Unloads models wherever they are in memory. */
export interface ModelUnloading {
  /**
   * Tells our own coordinator of a model, and every node that has it in memory, to unload it as soon as nothing of it is in
   * flight. Nothing is loaded for it, and what is in flight is not waited for. It is no fault if nobody has it in memory.
   *
   * @param model As the client named it; `undefined`: the operator's default.
   * @returns The name that was meant.
   * @throws {GatewayError} `model_not_found`, `invalid_request`; `backend_unreachable` if a node could not be told. The
   *   signal's reason.
   */
  unloadModel(model: string | undefined, options: { readonly signal: AbortSignal }): Promise<string>;
}

/** What {@linkcode ModelUnloader} works with. */
export interface ModelUnloaderParts {
  /** What a name stands for, and the default; read at each request. */
  readonly config: Pick<Config, "aliases" | "model">;
  /** Knows all models. */
  readonly catalog: Pick<ModelCatalog, "find" | "keyOf">;
  /** Our own coordinators. */
  readonly pool: { unload(key: string): unknown };
  /** The Ollama nodes. */
  readonly nodes: {
    holdersOf(key: string): readonly KnownNode[];
    refresh(asked: { readonly names: readonly string[]; readonly signal: AbortSignal }): Promise<void>;
  };
  /** Tells the nodes; disposed by whoever made it. */
  readonly http: Pick<HttpClient, "send">;
  /** Time. */
  readonly clock: Clock;
}

/** For each question to the nodes, all at once, ms: they answer it without waiting for anything. */
const ANSWER_MS = 5_000;
const MAX_ANSWER_BYTES = MIB;

/** Unloads models over the parts of a gateway. */
export class ModelUnloader implements ModelUnloading {
  readonly #parts: ModelUnloaderParts;

  /** Its parts stay the caller's to dispose. */
  constructor(parts: ModelUnloaderParts) {
    this.#parts = parts;
  }

  /** See {@linkcode ModelUnloading.unloadModel}. */
  async unloadModel(
    said: string | undefined,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<string> {
    const { config, catalog, pool } = this.#parts;
    const name = said ?? config.model;
    if (name === undefined) {
      throw new GatewayError("invalid_request", `The request names no model; add "model"`, {
        field: "model",
      });
    }
    const model = resolveAlias(name, config.aliases);
    await catalog.find(model, signal);
    signal.throwIfAborted();
    const key = catalog.keyOf(model);
    pool.unload(key);
    await this.#unloadOnNodes(key, name, signal);
    return name;
  }

  /** They are asked first what they have in memory: what was known may be older than the load. */
  async #unloadOnNodes(key: string, name: string, signal: AbortSignal): Promise<void> {
    const holders = () =>
      this.#parts.nodes.holdersOf(key).filter((node) => node.health === "up" && node.allows(key));
    await this.#refresh(holders(), signal);
    const told = holders().filter((node) => node.resident.has(key) || node.isServing(key));
    if (told.length === 0) return;
    const troubles = await Promise.all(told.map((node) => this.#tell(node, key, signal)));
    await this.#refresh(told, signal);
    const failed = troubles.filter((trouble) => trouble !== undefined);
    if (failed.length === 0) return;
    throw new GatewayError("backend_unreachable", `Cannot unload "${name}" everywhere: ${failed.join("; ")}`);
  }

  async #refresh(nodes: readonly KnownNode[], signal: AbortSignal): Promise<void> {
    if (nodes.length === 0) return;
    using deadline = new Deadline(this.#parts.clock, ANSWER_MS, { signal });
    const names = nodes.map(({ name }) => name);
    await this.#parts.nodes.refresh({ names, signal: deadline.signal }).catch((error) => {
      signal.throwIfAborted();
      if (!deadline.hasPassed) throw error;
    });
  }

  /** @returns Why it was not told, if it was not. */
  async #tell(node: KnownNode, key: string, signal: AbortSignal): Promise<string | undefined> {
    const { http, clock } = this.#parts;
    const model = (node.resident.get(key) ?? node.models.get(key))?.name;
    using deadline = new Deadline(clock, ANSWER_MS, { signal });
    try {
      const { status, body } = await http.send(node.address, {
        method: "POST",
        target: `${node.basePath}/api/generate`,
        headers: [["content-type", "application/json"], ["accept-encoding", "identity"], ...node.headers],
        body: new TextEncoder().encode(JSON.stringify({ model, keep_alive: 0, stream: false })),
        signal: deadline.signal,
      });
      await body.bytes(MAX_ANSWER_BYTES);
      const isGone = status === 404; // removed meanwhile, and out of its memory with it
      return status < 300 || isGone ? undefined : `${node.name} answered with status ${status}; see its log`;
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.hasPassed) return `${node.name} did not answer within ${formatDuration(ANSWER_MS)}`;
      if (error instanceof HttpError) return `${node.name}: ${messageOf(error)}`;
      throw error;
    }
  }
}
