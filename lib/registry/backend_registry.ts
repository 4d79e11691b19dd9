import { type Clock, systemClock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { BackendLimits, BackendSource, BackendView } from "../rpc/backend.ts";
import { type Endpoint, formatEndpoint } from "../rpc/endpoint.ts";
import { probe, type ProbeBackend } from "../rpc/probe.ts";
import type { WorkerReply, WorkerReport } from "../rpc/worker_report.ts";
import { BackendChecks } from "./backend_checks.ts";
import { BackendDirectory } from "./backend_directory.ts";
import { type BackendLease, HeldLease } from "./backend_lease.ts";
import { type BackendEvent, HealthLedger, type OwnVersion } from "./health_ledger.ts";
import { readAvailableMemory, type ReadHostMemory } from "./host_memory.ts";
import { createIdentify, type Identify } from "./identity.ts";
import { refreshBackends, type RefreshOptions } from "./refresh.ts";
import type { Evidence, RegisteredBackend } from "./registered_backend.ts";
import { createHasVanished, type HasVanished } from "./vanished_client.ts";
import type { WorkerView } from "./worker_book.ts";
import { WorkerClaims } from "./worker_claims.ts";

/** Names of rpc backends, more than any homelab has; bounds what discovery and workers can fill. */
const MAX_NAMES = 4_096;
/** What {@linkcode BackendRegistry.refresh} waits beyond the time of one probe, ms. */
const GRACE_MS = 500;

/** What became of a {@linkcode BackendRegistry.remove}. */
export interface Removal {
  /** `after release`: a coordinator of ours uses it until it is idle. `still named`: another source names it. */
  readonly outcome: "removed" | "after release" | "still named" | "unknown";
  /** One sentence for a person. */
  readonly because: string;
}

/** How a {@linkcode BackendRegistry} works. */
export interface RegistryOptions {
  /** Gets a line for each change. */
  readonly logger: Logger;
  /** Time; only the monotonic one is looked at. Default: the host's. */
  readonly clock?: Clock;
  /** Default: the safe probe of `lib/rpc/probe.ts`. */
  readonly probe?: ProbeBackend;
  /** What a name leads to. Default: the resolver, and this host's kernel. */
  readonly identify?: Identify;
  /** Default: what this host's kernel says is available. */
  readonly hostMemory?: ReadHostMemory;
  /** Which clients of workers' backends are gone. Default: those that this host's kernel knows no more. */
  readonly hasVanished?: HasVanished;
  /** From 0 to 1, for jitter. Default: `Math.random`. */
  readonly random?: () => number;
  /** For how long an `up` is trusted, ms. Default 5 minutes. */
  readonly trustMs?: number;
  /** Most probes and parked connections at once. Default 48. */
  readonly maxProbes?: number;
  /** For one probe, ms. Default 2000. */
  readonly probeTimeoutMs?: number;
  /** For how long a worker may be silent, ms. Default 5000. */
  readonly workerTimeoutMs?: number;
  /** Called at each change of health; must not throw. Default: nothing. */
  readonly onEvent?: (event: BackendEvent) => void;
}

/**
 * The one owner of all that is known of rpc backends: which there are, how they are, and who uses them.
 *
 * Views read memory only: nobody waits for a probe who did not ask for one. What changes is decided here in one
 * synchronous step. Endpoints are `host:port`; aliases will do, too.
 *
 * Who keeps what in this folder, and who calls whom:
 * - {@linkcode RegisteredBackend}: all that is known of one backend; a record that the others write.
 * - {@linkcode BackendDirectory}: which names lead to which backend; splits and merges them by their `identity.ts`.
 * - {@linkcode HealthLedger}: the only writer of health; tells each change once, and compares versions with ours.
 * - {@linkcode BackendChecks}: when to probe what. Its `Alarm` rings when a check is due, its `CheckQueue` bounds how
 *   many run; what they find goes to the directory (names) and to the ledger (health).
 * - {@linkcode HeldLease}: the tenant of the backends that a coordinator uses; while there is one, no check runs.
 * - {@linkcode WorkerClaims}: what workers say. Its `WorkerBook` knows who reports and who fell silent; a
 *   `WorkerClaim` is one worker's word on one backend. It asks for checks, or overrules them.
 */
export class BackendRegistry implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: { trustMs: number; probeTimeoutMs: number };
  readonly #directory = new BackendDirectory();
  readonly #ledger: HealthLedger;
  readonly #checks: BackendChecks;
  readonly #claims: WorkerClaims;

  /** Empty. */
  constructor(options: RegistryOptions) {
    const { logger, clock = systemClock, random = Math.random, trustMs = 300_000 } = options;
    const { probeTimeoutMs = 2_000, maxProbes = 48, workerTimeoutMs = 5_000, onEvent = () => {} } = options;
    const directory = this.#directory;
    this.#clock = clock;
    this.#logger = logger;
    const limits = this.#limits = { trustMs, probeTimeoutMs };
    const ledger = this.#ledger = new HealthLedger({
      logger,
      clock,
      onEvent,
      random,
      get trustMs() {
        return limits.trustMs;
      },
    });
    const checks = this.#checks = new BackendChecks({
      clock,
      logger,
      directory,
      ledger,
      get probeTimeoutMs() {
        return limits.probeTimeoutMs;
      },
      maxProbes,
      probe: options.probe ?? probe,
      identify: options.identify ?? createIdentify(),
      hostMemory: options.hostMemory ?? readAvailableMemory,
    });
    this.#claims = new WorkerClaims({
      clock,
      logger,
      directory,
      ledger,
      checks,
      timeoutMs: workerTimeoutMs,
      hasVanished: options.hasVanished ?? createHasVanished(clock),
      add: (endpoint) => this.#add(endpoint, "worker", {}),
      remove: (endpoint) => void this.remove(endpoint, "worker"),
    });
  }

  /** Says what our coordinator is; whatever is another version becomes a `mismatch`. */
  setOwnVersion(version: OwnVersion | undefined): void {
    this.#ledger.setOwn(version, this.#directory.all());
    for (const backend of this.#directory.all()) this.#checks.later(backend);
  }

  /** Changes what the options said, ms each; counts from each backend's next answer, and from the next probe on. */
  setLimits({ trustMs, probeTimeoutMs }: { trustMs: number; probeTimeoutMs: number }): void {
    Object.assign(this.#limits, { trustMs, probeTimeoutMs });
  }

  /**
   * Registers a backend, or one more source of it, and has it checked soon. Limits that are left out stay as they were.
   *
   * @throws {GatewayError} `no_capacity` beyond 4096 names.
   */
  add(endpoint: Endpoint, source: BackendSource, limits: Partial<BackendLimits> = {}): BackendView {
    return this.#add(endpoint, source, limits).view(this.#clock.monotonic());
  }

  /** Takes a source back. A backend goes with its last one; if a coordinator of ours uses it, after that. */
  remove(endpoint: Endpoint, source: BackendSource): Removal {
    const key = formatEndpoint(endpoint);
    const backend = this.#directory.get(key);
    if (!backend || !this.#directory.withdraw(key, source)) {
      return { outcome: "unknown", because: `${key} was not registered by ${source}` };
    }
    this.#sweep(backend);
    if (!this.#directory.get(key)) return { outcome: "removed", because: `${key} is removed` };
    const sources = [...backend.names.find((name) => name.key === key)!.sources];
    if (sources.length > 0) {
      return { outcome: "still named", because: `${key} stays: ${sources.join(" and ")} names it still` };
    }
    backend.tenant?.retire(`Its rpc backend ${key} was taken out of the registry`);
    return {
      outcome: "after release",
      because:
        `${key} goes as soon as our coordinator of "${backend.tenant?.holder}" is idle and has released it`,
    };
  }

  /** All backends, in the order of registration. */
  views(): BackendView[] {
    const nowMs = this.#clock.monotonic();
    return [...this.#directory.all()].map((backend) => backend.view(nowMs));
  }

  /** How many backends there are. */
  get size(): number {
    return this.#directory.size;
  }

  /** The backend of that name. */
  view(endpoint: string): BackendView | undefined {
    return this.#directory.get(endpoint)?.view(this.#clock.monotonic());
  }

  /**
   * Probes what is free and not known freshly, also what is in back-off, and waits for the answers.
   *
   * @throws The signal's reason, and nothing else.
   */
  async refresh(options: RefreshOptions = {}): Promise<void> {
    const { endpoints, olderThanMs = 0, asksDown = true, signal } = options;
    const { withinMs = this.#limits.probeTimeoutMs + GRACE_MS } = options;
    const find = () =>
      endpoints?.flatMap((key) => this.#directory.get(key) ?? []) ?? [...this.#directory.all()];
    await refreshBackends(find, this.#checks, this.#clock, { olderThanMs, asksDown, withinMs, signal });
  }

  /** Takes evidence from use, which overrules what is known. A backend that is not registered is ignored. */
  report(endpoint: string, evidence: Evidence & { readonly health: "down" | "mismatch" | "held" }): void {
    const backend = this.#directory.get(endpoint);
    if (backend) this.#checks.overrule(backend, evidence);
  }

  /** Learns that a backend is in use and answers, and why that is known. One that is not registered is ignored. */
  reportUp(endpoint: string, reason: string): void {
    const backend = this.#directory.get(endpoint);
    if (backend) this.#checks.overrule(backend, { health: "up", reason });
  }

  /**
   * Takes the exclusive right to use backends, all or none, in one synchronous step.
   *
   * @param holder The model that the coordinator serves.
   * @throws {GatewayError} `no_capacity` naming the endpoint and who holds it, or why it must not be used;
   *   `backend_unreachable` if it is down; `not_found` if it is not registered; `conflict` if two lead to the same.
   */
  lease(endpoints: readonly string[], holder: string): BackendLease {
    const backends = endpoints.map((key) => this.#find(key, holder));
    const twin = backends.find((backend, at) => backends.indexOf(backend) !== at);
    if (twin) {
      const names = endpoints.filter((_, at) => backends[at] === twin).join(" and ");
      throw new GatewayError(
        "conflict",
        `Cannot lease ${names} for "${holder}": they are one rpc backend; plan again`,
      );
    }
    const lease = new HeldLease(backends, holder, {
      learn: (backend, evidence) => this.#checks.overrule(backend, evidence),
      probe: (backend, options) => this.#checks.probe(backend, options),
      takeBack: (released) => this.#takeBack(released),
    });
    for (const backend of backends) {
      this.#checks.cancel(backend);
      this.#ledger.publish(backend);
    }
    return lease;
  }

  /**
   * Takes what a worker tells of itself. What it claims is verified by a probe; what another worker runs stays that one's.
   *
   * @throws {GatewayError} `no_capacity` beyond 4096 workers.
   */
  workerReported(report: WorkerReport, origin: { readonly from?: string | undefined } = {}): WorkerReply {
    return this.#claims.reported(report, origin.from);
  }

  /** Forgets a worker, and the backends that only it told of. @returns Whether there was one of that name. */
  workerLeft(name: string, origin: { readonly from?: string | undefined } = {}): boolean {
    return this.#claims.left(name, origin.from);
  }

  /** All workers, also those that have been silent for up to a day. */
  workers(): WorkerView[] {
    return this.#claims.views();
  }

  /** Ends all probes. Leases stay their holders' to release. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#claims[Symbol.dispose]();
    await this.#checks[Symbol.asyncDispose]();
  }

  #add(endpoint: Endpoint, source: BackendSource, limits: Partial<BackendLimits>): RegisteredBackend {
    const key = formatEndpoint(endpoint);
    const isNew = !this.#directory.get(key);
    if (isNew && this.#directory.nameCount >= MAX_NAMES) {
      throw new GatewayError(
        "no_capacity",
        `Cannot register ${key}: there are ${MAX_NAMES} rpc backends already; remove some`,
      );
    }
    const backend = this.#directory.add(endpoint, source, limits);
    if (isNew) void this.#checks.soon(backend);
    return backend;
  }

  #find(key: string, holder: string): RegisteredBackend {
    const backend = this.#directory.get(key);
    if (backend) return backend;
    throw new GatewayError(
      "not_found",
      `Cannot lease ${key} for "${holder}": it is not registered; plan again`,
    );
  }

  #takeBack(backends: readonly RegisteredBackend[]): void {
    for (const backend of backends) {
      backend.claim?.released(this.#clock.monotonic());
      this.#sweep(backend);
      if (backend.names.length === 0) continue;
      this.#ledger.publish(backend);
      void this.#checks.soon(backend, { isUrgent: true });
    }
  }

  #sweep(backend: RegisteredBackend): void {
    for (const name of this.#directory.sweep(backend)) {
      this.#checks.leave(name);
      this.#logger.info("rpc backend removed", { endpoint: name.key });
    }
    if (backend.names.length === 0) this.#checks.cancel(backend);
  }
}
