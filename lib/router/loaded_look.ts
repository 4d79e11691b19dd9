import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { ExternalFacts } from "../coordinator/external.ts";
import type { ExternalLease } from "../coordinator/external_coordinators.ts";
import type { ServingCoordinator } from "../coordinator/serving.ts";
import { Deadline } from "../deadline.ts";
import { shownFacts } from "../dialects/llama_facts.ts";
import { GatewayError, messageOf } from "../errors.ts";
import type { UpstreamAddress } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import type { HeaderList } from "../http/headers.ts";
import type { PoolView } from "../pool/pooled.ts";
import { formatDuration, MIB } from "../units.ts";
import { resolveAlias } from "./aliases.ts";

/** What a llama-server tells of itself. */
export type LookTarget = "/props" | "/slots";

/** Where {@linkcode LoadedLook} looks. */
export interface LoadedLookParts {
  /** The operator's word; read at each look. */
  readonly config: Pick<Config, "model" | "aliases"> & {
    readonly timeouts: Pick<Config["timeouts"], "connectMs">;
  };
  /** Our own coordinators. */
  readonly pool: {
    views(): readonly Pick<PoolView, "key">[];
    running(key: string): Pick<ServingCoordinator, "upstream" | "address" | "headers"> | undefined;
  };
  /** Those that somebody else runs. */
  readonly externals: {
    readonly facts: readonly Pick<ExternalFacts, "health" | "modelKeys">[];
    acquire(key: string): Pick<ExternalLease, "external" | typeof Symbol.dispose> | undefined;
  };
  /** Names and keys of all models. */
  readonly catalog: {
    keyOf(name: string): string;
    find(name: string, signal: AbortSignal): Promise<unknown>;
  };
  /** Asks them; stays the caller's to dispose. */
  readonly http: Pick<HttpClient, "send">;
  /** Time. */
  readonly clock: Clock;
}

/** The longest such answer holds a chat template and a few hundred slots. */
const MAX_ANSWER_BYTES = 8 * MIB;
/** For the whole answer, ms: they answer from memory. */
const ANSWER_MS = 5_000;

/** Looks at the llama-servers that have their model loaded; loads none. */
export class LoadedLook {
  /** Looks at none yet. */
  constructor(private readonly parts: LoadedLookParts) {}

  /**
   * What the llama-server of a model tells of itself, without its paths and prompts.
   *
   * @param model The model as the client named it; `undefined`: the operator's, or the only one that is loaded.
   * @throws {GatewayError} `model_not_found`; `conflict` if it is not loaded; `upstream_failed`. The signal's reason.
   */
  async look(target: LookTarget, model: string | undefined, signal: AbortSignal): Promise<unknown> {
    const { config, catalog } = this.parts;
    const said = model ?? config.model;
    const key = said === undefined ? this.#onlyKey() : catalog.keyOf(resolveAlias(said, config.aliases));
    const coordinator = this.parts.pool.running(key);
    if (coordinator) {
      const { upstream, address, headers } = coordinator;
      return await this.#ask({ upstream, address, headers, basePath: "" }, target, signal);
    }
    using lease = this.parts.externals.acquire(key);
    if (lease) {
      const { url: upstream, address, basePath, headers } = lease.external;
      return await this.#ask({ upstream, address, basePath, headers }, target, signal);
    }
    if (said !== undefined) await catalog.find(resolveAlias(said, config.aliases), signal);
    throw notLoaded(said ?? key);
  }

  /** The key of the only model that is loaded. */
  #onlyKey(): string {
    const { pool, externals } = this.parts;
    const own = pool.views().filter(({ key }) => pool.running(key)).map(({ key }) => key);
    const others = externals.facts.filter(({ health }) => health === "up");
    const keys = new Set([...own, ...others.flatMap(({ modelKeys }) => [...modelKeys])]);
    const [only] = keys;
    if (only !== undefined && keys.size === 1) return only;
    const message = keys.size === 0
      ? "No model is loaded on a llama-server; ask one something first, and name it: ?model=NAME"
      : `${keys.size} models are loaded; name one of them: ?model=NAME`;
    throw new GatewayError(keys.size === 0 ? "conflict" : "invalid_request", message, { field: "model" });
  }

  async #ask(place: Place, target: LookTarget, signal: AbortSignal): Promise<unknown> {
    const { upstream } = place;
    const { status, text } = await this.#read(place, target, signal);
    if (status !== 200) throw unanswered(upstream, target, `it answered ${status}`);
    try {
      return shownFacts(JSON.parse(text));
    } catch (cause) {
      throw unanswered(upstream, target, "its answer is no JSON", cause);
    }
  }

  async #read(
    { address, basePath, headers, upstream }: Place,
    target: LookTarget,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { http, config, clock } = this.parts;
    using deadline = new Deadline(clock, ANSWER_MS, { signal });
    try {
      const { status, body } = await http.send(address, {
        method: "GET",
        target: basePath + target,
        headers,
        signal: deadline.signal,
        connectTimeoutMs: config.timeouts.connectMs,
      });
      return { status, text: await body.text(MAX_ANSWER_BYTES) };
    } catch (cause) {
      signal.throwIfAborted();
      const why = deadline.hasPassed ? `no answer within ${formatDuration(ANSWER_MS)}` : messageOf(cause);
      throw unanswered(upstream, target, why, cause);
    }
  }
}

/** A llama-server that can be asked. */
interface Place {
  readonly upstream: string;
  readonly address: UpstreamAddress;
  readonly basePath: string;
  readonly headers: HeaderList;
}

function notLoaded(model: string): GatewayError {
  const message =
    `"${model}" is not loaded on a llama-server, which alone could tell; ask it something first, ` +
    "or load it: POST /api/admin/models/load";
  return new GatewayError("conflict", message, { field: "model" });
}

function unanswered(upstream: string, target: string, why: string, cause?: unknown): GatewayError {
  return new GatewayError(
    "upstream_failed",
    `The ${upstream} did not tell its ${target}: ${why}; ask again`,
    { cause },
  );
}
