import { GatewayError } from "../errors.ts";
import type { ProbeResult } from "../rpc/probe.ts";
import type { Verdict } from "../rpc/verdict.ts";
import type { Evidence, RegisteredBackend, Tenant } from "./registered_backend.ts";

/** What a probe said of a leased rpc backend after its coordinator was dead. */
export interface BackendDiagnosis {
  /** `host:port`. */
  readonly endpoint: string;
  /** Anything but `up` is trouble. */
  readonly verdict: Verdict;
  /** One sentence: what is wrong, and what to do. */
  readonly reason: string;
}

/** How a diagnosis is made. */
export interface DiagnoseOptions {
  /** For each backend, ms. */
  readonly timeoutMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** The exclusive right to use some rpc backends, from before a coordinator starts until its process is gone. */
export interface BackendLease extends Disposable {
  /** As the registry names them, in the order in which they were asked for. */
  readonly endpoints: readonly string[];
  /** Whose it is: the model that the coordinator serves. */
  readonly holder: string;
  /**
   * Aborts when one of the backends is lost while nobody may notice: its worker fell silent, or says that the server
   * has ended. The reason is a `GatewayError` (`backend_unreachable`) that names it. When its worker
   * is back and the server has sat it out, this is another signal that has not aborted.
   */
  readonly lost: AbortSignal;
  /** `host:port` of the one that is lost, while {@linkcode lost} has aborted. */
  readonly lostEndpoint: string | undefined;
  /**
   * Aborts when one of the backends is about to leave, because its worker is to stop. That waits for the release, so
   * nothing new should be begun. The reason says which.
   */
  readonly leaving: AbortSignal;
  /** All of them are used and answer: what the registry says of them after the release. */
  reportUp(reason: string): void;
  /** One of them failed; the others are not touched. An endpoint that is not leased is ignored. */
  reportFailure(endpoint: string, reason: string, health?: "down" | "mismatch"): void;
  /**
   * Probes all of them: the only way to probe what is leased. Call it only when the coordinator's process is gone.
   * The registry learns each result as soon as it is there.
   *
   * @throws The signal's reason.
   */
  diagnose(options: DiagnoseOptions): Promise<readonly BackendDiagnosis[]>;
  /** Gives all back and has them probed afresh. Again is without effect. */
  [Symbol.dispose](): void;
}

/** Who keeps the backends of leases. */
export interface Landlord {
  /** Takes what the holder says of a backend. */
  learn(backend: RegisteredBackend, evidence: Evidence): void;
  /** Probes a backend. */
  probe(backend: RegisteredBackend, options: DiagnoseOptions): Promise<ProbeResult>;
  /** Takes back backends that have no tenant any more. */
  takeBack(backends: readonly RegisteredBackend[]): void;
}

/** A lease on backends of a registry. */
export class HeldLease implements BackendLease, Tenant {
  /** See {@linkcode BackendLease.endpoints}. */
  readonly endpoints: readonly string[];
  readonly #backends: readonly RegisteredBackend[];
  readonly #landlord: Landlord;
  #lost = new AbortController();
  readonly #leaving = new AbortController();
  #isReleased = false;

  /**
   * Takes all or none, in one step.
   *
   * @throws {GatewayError} If one of them cannot be leased; see {@linkcode refusal}.
   */
  constructor(
    backends: readonly RegisteredBackend[],
    /** See {@linkcode BackendLease.holder}. */
    readonly holder: string,
    landlord: Landlord,
  ) {
    for (const backend of backends) {
      const error = refusal(backend, holder);
      if (error) throw error;
    }
    for (const backend of backends) {
      backend.tenant = this;
      backend.claim?.leased();
    }
    this.endpoints = backends.map(({ key }) => key);
    this.#backends = backends;
    this.#landlord = landlord;
  }

  /** See {@linkcode BackendLease.lost}. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** See {@linkcode BackendLease.lostEndpoint}. */
  get lostEndpoint(): string | undefined {
    return this.lost.aborted
      ? this.#backends.find(({ evidence }) => evidence.health === "down")?.key
      : undefined;
  }

  /** See {@linkcode BackendLease.leaving}. */
  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }

  /** See {@linkcode Tenant.retire}. */
  retire(reason: string): void {
    this.#leaving.abort(new GatewayError("backend_unreachable", reason));
  }

  /** See {@linkcode Tenant.lose}. */
  lose(reason: string): void {
    this.#lost.abort(new GatewayError("backend_unreachable", reason));
  }

  /** See {@linkcode Tenant.find}. */
  find(): void {
    const isWhole = this.#backends.every(({ evidence }) => evidence.health !== "down");
    if (this.lost.aborted && isWhole) this.#lost = new AbortController();
  }

  /** See {@linkcode BackendLease.reportUp}. */
  reportUp(reason: string): void {
    if (this.#isReleased) return;
    for (const backend of this.#backends) this.#landlord.learn(backend, { health: "up", reason });
  }

  /** See {@linkcode BackendLease.reportFailure}. */
  reportFailure(endpoint: string, reason: string, health: "down" | "mismatch" = "down"): void {
    const backend = this.#backends.find(({ names }) => names.some(({ key }) => key === endpoint));
    if (backend && !this.#isReleased) this.#landlord.learn(backend, { health, reason });
  }

  /** See {@linkcode BackendLease.diagnose}. */
  async diagnose(options: DiagnoseOptions): Promise<readonly BackendDiagnosis[]> {
    if (this.#isReleased) return [];
    return await Promise.all(this.#backends.map(async (backend) => {
      const { verdict, reason } = await this.#landlord.probe(backend, options);
      return { endpoint: backend.key, verdict, reason };
    }));
  }

  /** See {@linkcode BackendLease}. */
  [Symbol.dispose](): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    for (const backend of this.#backends) backend.tenant = undefined;
    this.#landlord.takeBack(this.#backends);
  }
}

/** Why a backend cannot be leased now: `no_capacity`, or `backend_unreachable` if it is down. */
function refusal(backend: RegisteredBackend, holder: string): GatewayError | undefined {
  const { health, reason } = backend.evidence;
  const refuse = (why: string, code: "no_capacity" | "backend_unreachable" = "no_capacity") =>
    new GatewayError(code, `Cannot use ${backend.key} for "${holder}": ${why}`);
  if (backend.tenant) {
    return refuse(
      `our coordinator of "${backend.tenant.holder}" holds it; wait until that is idle, or stop it`,
    );
  }
  if (backend.limits.isExcluded) return refuse("it is excluded by the operator; allow it first");
  if (backend.isDraining) {
    return refuse(
      `its worker ${backend.claim?.workerName} is about to stop; use another backend, or wait for it`,
    );
  }
  if (health === "held") return refuse(`a stranger holds it: ${reason}`);
  if (health === "mismatch") return refuse(reason);
  return health === "down" ? refuse(reason, "backend_unreachable") : undefined;
}
