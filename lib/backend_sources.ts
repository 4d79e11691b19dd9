import { isDeepStrictEqual } from "node:util";
import type { BackendAdmin, BackendRemoval } from "./backend_admin.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { RpcBackendConfig } from "./config/config.ts";
import type { RefusedMemory } from "./coordinator/refused_memory.ts";
import { GatewayError } from "./errors.ts";
import { type BackendLimits, type BackendSource, type BackendView, UNLIMITED } from "./rpc/backend.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "./rpc/endpoint.ts";
import type { Logger } from "./log.ts";
import type { BackendRegistry } from "./registry/backend_registry.ts";
import type { WorkerView } from "./registry/worker_book.ts";
import type { WorkerReply, WorkerReport } from "./rpc/worker_report.ts";
import type { BackendStore } from "./store/backend_store.ts";

/** How long an operator waits for the first verdict on what they registered, ms. */
const FIRST_VERDICT_MS = 2_000;

const WHERE_NAMED: Readonly<Record<Exclude<BackendSource, "admin">, string>> = {
  config: "the configuration names it (rpc_backends); remove it there",
  worker: "a worker runs it; stop that worker",
  redis: "it is registered in Redis; delete its key there, or let it expire",
};

const NOT_KEPT =
  "It is forgotten when the gateway restarts: its state_dir cannot be written (its log has the reason)";

/** What {@linkcode BackendSources} feeds, and from where. */
export interface BackendSourcesParts {
  /** Gets all of them; stays the caller's. */
  readonly registry: BackendRegistry;
  /** What was registered by hand, over restarts. */
  readonly store: BackendStore;
  /** Which of them had less memory than they said; an operator's word ends that. */
  readonly refusedMemory: RefusedMemory;
  /** What the configuration names. */
  readonly configured: readonly RpcBackendConfig[];
  /** Hears of those for whom there is no room. */
  readonly logger: Logger;
  /** Default: the host's. */
  readonly clock?: Clock;
}

/** Where rpc backends come from: feeds the registry from all of it, and takes what operators and workers say. */
export class BackendSources implements BackendAdmin {
  readonly #registry: BackendRegistry;
  readonly #store: BackendStore;
  readonly #refusedMemory: RefusedMemory;
  #configured: readonly RpcBackendConfig[];
  readonly #logger: Logger;
  readonly #clock: Clock;
  #redis: ReadonlyMap<string, Endpoint> = new Map();

  /** Adds what the configuration names and what was registered before; nothing is waited for. */
  constructor(
    { registry, store, refusedMemory, configured, logger, clock = systemClock }: BackendSourcesParts,
  ) {
    this.#logger = logger;
    this.#registry = registry;
    this.#store = store;
    this.#refusedMemory = refusedMemory;
    this.#configured = configured;
    this.#clock = clock;
    for (const backend of configured) registry.add(backend, "config", backend.limits);
    for (const { endpoint, limits } of store.list()) {
      this.#addIfThereIsRoom(parseEndpoint(endpoint), "admin", this.#effective(endpoint, limits));
    }
  }

  /**
   * Takes what the configuration names now; what it named before and names no more is taken back, and goes as soon as no
   * coordinator of ours uses it. What is known of the others stays.
   */
  configure(configured: readonly RpcBackendConfig[]): void {
    const before = byName(this.#configured);
    const now = byName(configured);
    const stored = new Map(this.#store.list().map(({ endpoint, limits }) => [endpoint, limits]));
    this.#configured = configured;
    for (const [name, backend] of before) { // first, since they make room
      if (!now.has(name)) this.#withdrawConfigured(backend, stored.get(name) ?? UNLIMITED);
    }
    for (const [name, backend] of now) {
      const isAsBefore = isDeepStrictEqual(before.get(name)?.limits, backend.limits);
      if (isAsBefore && this.#registry.view(name)) continue;
      this.#addIfThereIsRoom(backend, "config", this.#effective(name, stored.get(name) ?? UNLIMITED));
      this.#refusedMemory.forget(this.#registry.view(name)?.endpoint ?? name);
    }
  }

  /** Takes what Redis holds now; what it held before and holds no more is taken back. */
  setRedisBackends(endpoints: readonly Endpoint[]): void {
    const before = this.#redis;
    this.#redis = new Map(endpoints.map((endpoint) => [formatEndpoint(endpoint), endpoint]));
    for (const [name, endpoint] of before) {
      if (!this.#redis.has(name)) this.#registry.remove(endpoint, "redis");
    }
    for (const [name, endpoint] of this.#redis) {
      if (!before.has(name)) this.#addIfThereIsRoom(endpoint, "redis");
    }
  }

  listBackends(): readonly BackendView[] {
    return this.#refusedMemory.cap(this.#registry.views());
  }

  async addBackend(endpoint: Endpoint, limits: Partial<BackendLimits>): Promise<BackendView> {
    const name = formatEndpoint(endpoint);
    const known = this.#registry.view(name);
    const saidBefore = this.#store.list().find((stored) => stored.endpoint === name)?.limits;
    const merged = { ...UNLIMITED, ...saidBefore, ...limits };
    this.#registry.add(endpoint, "admin", this.#effective(name, merged)); // may refuse
    const addedAtMs = this.#clock.now();
    const isKept = this.#store.put({ endpoint: name, source: "admin", limits: merged, addedAtMs });
    this.#refusedMemory.forget(known?.endpoint ?? name);
    await this.#registry.refresh({ endpoints: [name], olderThanMs: 1_000, withinMs: FIRST_VERDICT_MS });
    const view = this.#registry.view(name) ?? gone(name);
    return isKept ? view : { ...view, reason: `${view.reason}. ${NOT_KEPT}` };
  }

  removeBackend(endpoint: Endpoint): BackendRemoval {
    const name = formatEndpoint(endpoint);
    const view = this.#registry.view(name);
    if (!view) {
      throw new GatewayError("not_found", `There is no rpc backend ${name}; \`sollol backends\` lists them`);
    }
    this.#store.remove(name);
    const { outcome, because } = this.#registry.remove(endpoint, "admin");
    if (outcome === "removed" || outcome === "after release") return { outcome, reason: because };
    const named = view.sources.flatMap((source) => source === "admin" ? [] : WHERE_NAMED[source]);
    if (named.length === 0) {
      return {
        outcome: "after release",
        reason: `${name} is forgotten already, and goes when it is released`,
      };
    }
    this.#restoreConfiguredLimits(name);
    throw new GatewayError("conflict", `Cannot forget ${name}: ${named.join("; and ")}`);
  }

  listWorkers(): readonly WorkerView[] {
    return this.#registry.workers();
  }

  workerReported(report: WorkerReport, from: string | undefined): WorkerReply {
    return this.#registry.workerReported(report, { from });
  }

  workerLeft(name: string, from: string | undefined): void {
    this.#registry.workerLeft(name, { from });
  }

  /** For those whom nobody could tell that it was refused: a full registry must end neither a start nor a reading. */
  #addIfThereIsRoom(endpoint: Endpoint, source: BackendSource, limits: Partial<BackendLimits> = {}): void {
    try {
      this.#registry.add(endpoint, source, limits);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#logger.warn("rpc backend not registered", { endpoint: formatEndpoint(endpoint), source, error });
    }
  }

  /** What the configuration said of it must not outlive that where others name the backend still. */
  #withdrawConfigured(backend: RpcBackendConfig, limits: BackendLimits): void {
    if (!this.#registry.view(formatEndpoint(backend))) return; // there was no room for it
    this.#registry.add(backend, "config", limits);
    this.#registry.remove(backend, "config");
  }

  /** What was said by hand is taken back, also of a backend that stays. */
  #restoreConfiguredLimits(name: string): void {
    const backend = this.#configuredAs(name);
    if (backend) this.#registry.add(backend, "config", backend.limits);
  }

  /** What was said by hand goes before what the configuration says, and leaves the rest of that as it is. */
  #effective(name: string, said: BackendLimits): BackendLimits {
    const configured = this.#configuredAs(name)?.limits ?? UNLIMITED;
    return {
      memoryLimitBytes: said.memoryLimitBytes ?? configured.memoryLimitBytes,
      isExcluded: said.isExcluded || configured.isExcluded,
      bytesPerSecond: said.bytesPerSecond ?? configured.bytesPerSecond,
    };
  }

  #configuredAs(name: string): RpcBackendConfig | undefined {
    return this.#configured.find((configured) => formatEndpoint(configured) === name);
  }
}

function byName(backends: readonly RpcBackendConfig[]): Map<string, RpcBackendConfig> {
  return new Map(backends.map((backend) => [formatEndpoint(backend), backend]));
}

/** Between its adding and its first verdict somebody else removed it. */
function gone(name: string): never {
  throw new GatewayError("conflict", `${name} was removed while it was being registered; register it again`);
}
