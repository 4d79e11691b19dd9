import type { Clock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../rpc/endpoint.ts";
import type { ReportedBackend, WorkerReply, WorkerReport } from "../rpc/worker_report.ts";
import { Alarm } from "./alarm.ts";
import type { BackendChecks } from "./backend_checks.ts";
import type { BackendDirectory } from "./backend_directory.ts";
import type { HealthLedger } from "./health_ledger.ts";
import type { RegisteredBackend, Tenant } from "./registered_backend.ts";
import type { HasVanished } from "./vanished_client.ts";
import { type KnownWorker, WorkerBook, type WorkerView } from "./worker_book.ts";
import { WorkerClaim } from "./worker_claim.ts";

/** Later than that, this process or its host stood still: then silence is nobody's fault, ms. */
const STOOD_STILL_MS = 1_000;

/** What {@linkcode WorkerClaims} works with. */
export interface WorkerClaimsOptions {
  /** Time. */
  readonly clock: Clock;
  /** Gets a line when a worker comes, falls silent, is back or leaves. */
  readonly logger: Logger;
  /** Which backends there are. */
  readonly directory: BackendDirectory;
  /** Learns what workers say of health. */
  readonly ledger: HealthLedger;
  /** Verifies what workers say. */
  readonly checks: BackendChecks;
  /** For how long a worker may be silent, ms. */
  readonly timeoutMs: number;
  /** Knows which clients of rpc backends are gone. */
  readonly hasVanished: HasVanished;
  /** Registers a backend for a worker; throws `no_capacity` if there are too many. */
  add(endpoint: Endpoint): RegisteredBackend;
  /** Takes that back. */
  remove(endpoint: Endpoint): void;
}

/** A claim before its worker's next report, and what is new in that. */
interface ClaimChange {
  readonly wasUsable: boolean;
  readonly wasSilent: boolean;
  readonly hasRestarted: boolean;
}

/**
 * What workers say of their rpc backends. Only bad news is believed; good news is verified by a probe, but of a leased
 * backend, which must not be probed.
 */
export class WorkerClaims implements Disposable {
  readonly #options: WorkerClaimsOptions;
  readonly #book: WorkerBook;
  readonly #alarm: Alarm;

  /** Knows of no worker yet. */
  constructor(options: WorkerClaimsOptions) {
    this.#options = options;
    this.#book = new WorkerBook(options.timeoutMs);
    this.#alarm = new Alarm(options.clock, (lateMs) => this.#findLost(lateMs));
  }

  /**
   * Takes a report, whole.
   *
   * @param from Address that it came from, if known.
   * @throws {GatewayError} `no_capacity` if there are too many workers.
   */
  reported(report: WorkerReport, from: string | undefined): WorkerReply {
    const nowMs = this.#options.clock.monotonic();
    const { worker, was } = this.#book.heard(report, from, nowMs);
    if (was !== "here") {
      this.#options.logger.info(`worker ${was === "lost" ? "back" : "joined"}`, {
        worker: worker.name,
        from,
      });
    }
    this.#takeAll(worker, report, nowMs);
    this.#alarm.ringBy(this.#book.nextDueMs);
    const vanished = this.#vanished(worker);
    return {
      timeout_ms: this.#options.timeoutMs,
      in_use: this.#inUse(worker),
      ...(vanished.length > 0 && { vanished }),
    };
  }

  /** Forgets a worker and what only it told of. @returns Whether there was one. */
  left(name: string, from: string | undefined): boolean {
    const worker = this.#book.drop(name, from);
    if (!worker) return false;
    this.#options.logger.info("worker left", { worker: worker.name });
    for (const key of [...worker.keys]) this.#disclaim(worker, key);
    return true;
  }

  /** All workers. */
  views(): WorkerView[] {
    return this.#book.views(this.#options.clock.monotonic());
  }

  /** Nobody is found lost any more. */
  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
  }

  #takeAll(worker: KnownWorker, report: WorkerReport, nowMs: number): void {
    const said = new Map(report.backends.map((one) => {
      const endpoint = parseEndpoint(one.endpoint);
      return [formatEndpoint(endpoint), { endpoint, one }] as const;
    }));
    for (const key of [...worker.keys]) if (!said.has(key)) this.#disclaim(worker, key);
    for (const [key, { endpoint, one }] of said) {
      const other = this.#options.directory.get(key)?.claim;
      const isOthers = other && other.workerName !== worker.name && !other.isSilent;
      if (isOthers) this.#refuse(worker, key, `worker ${other.workerName} runs it`);
      else this.#take(worker, report, endpoint, one, nowMs);
    }
  }

  #take(
    worker: KnownWorker,
    report: WorkerReport,
    endpoint: Endpoint,
    said: ReportedBackend,
    nowMs: number,
  ): void {
    const key = formatEndpoint(endpoint);
    const backend = this.#register(worker, endpoint);
    if (!backend) return;
    worker.keys.add(key);
    worker.refusedKeys.delete(key);
    const last = this.#ownClaim(worker, backend, key);
    const change: ClaimChange = {
      wasUsable: last !== undefined && isUsable(last),
      wasSilent: last?.isSilent ?? false,
      // Fewer than before: the worker itself was restarted, and its servers with it.
      hasRestarted: last !== undefined && said.restart_count !== last.said.restart_count,
    };
    const buildBefore = last?.build;
    const claim = backend.claim = last ?? new WorkerClaim(worker.name);
    claim.update(report, said, nowMs);
    if (claim.build !== buildBefore) {
      this.#options.ledger.rejudge(backend);
      this.#options.checks.later(backend);
    }
    this.#judge(backend, claim, change);
  }

  /** The worker's own claim; another's is taken over. */
  #ownClaim(worker: KnownWorker, { claim }: RegisteredBackend, key: string): WorkerClaim | undefined {
    if (!claim || claim.workerName === worker.name) return claim;
    this.#book.get(claim.workerName)?.keys.delete(key);
    return undefined;
  }

  #judge(
    backend: RegisteredBackend,
    claim: WorkerClaim,
    { wasUsable, wasSilent, hasRestarted }: ClaimChange,
  ): void {
    const { checks } = this.#options;
    const says = `says worker ${claim.workerName}`;
    if (!claim.said.is_running) {
      this.#fail(
        backend,
        `The ggml-rpc-server of ${backend.key} does not run, ${says}: look into its log there`,
      );
    } else if (backend.tenant) {
      if (claim.isDraining) {
        backend.tenant.retire(`${backend.key} leaves: worker ${claim.workerName} is to stop`);
      }
      if (hasRestarted) this.#fail(backend, `The ggml-rpc-server of ${backend.key} was restarted, ${says}`);
      else if (wasSilent && claim.said.held_by.length > 0) this.#recover(backend, backend.tenant, says);
    } else if (claim.holders.length > 0) {
      checks.cancel(backend);
      const reason = `${backend.key} serves ${claim.holders.join(", ")}, ${says}; stop the coordinator there`;
      this.#options.ledger.learn(backend, { health: "held", reason });
    } else if (!wasUsable || hasRestarted) {
      void checks.soon(backend, { isUrgent: true });
    }
  }

  #fail(backend: RegisteredBackend, reason: string): void {
    this.#options.checks.overrule(backend, { health: "down", reason });
    backend.tenant?.lose(reason);
  }

  /** The same server still serves a client: its coordinator has sat the outage out. */
  #recover(backend: RegisteredBackend, tenant: Tenant, says: string): void {
    const reason = `${backend.key} serves on after an outage, ${says}`;
    this.#options.ledger.learn(backend, { health: "up", reason });
    tenant.find();
  }

  #register(worker: KnownWorker, endpoint: Endpoint): RegisteredBackend | undefined {
    const known = this.#options.directory.get(formatEndpoint(endpoint));
    if (known && worker.keys.has(formatEndpoint(endpoint))) return known;
    try {
      return this.#options.add(endpoint);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#refuse(worker, formatEndpoint(endpoint), error.message);
      return undefined;
    }
  }

  #refuse(worker: KnownWorker, key: string, reason: string): void {
    if (worker.refusedKeys.has(key)) return;
    worker.refusedKeys.add(key);
    this.#options.logger.warn("worker claim refused", { worker: worker.name, endpoint: key, reason });
  }

  #disclaim(worker: KnownWorker, key: string): void {
    const { directory, checks, remove } = this.#options;
    worker.keys.delete(key);
    const backend = directory.get(key);
    if (backend?.claim?.workerName === worker.name) backend.claim = undefined;
    remove(parseEndpoint(key));
    if (backend) void checks.soon(backend);
  }

  #inUse(worker: KnownWorker): WorkerReply["in_use"] {
    return [...worker.keys].flatMap((endpoint) => {
      const holder = this.#options.directory.get(endpoint)?.tenant?.holder;
      return holder === undefined ? [] : [{ endpoint, holder }];
    });
  }

  /**
   * Clients that our coordinators left behind, and no others: a stranger's may be behind NAT on this host, whose kernel
   * does not list it. What a coordinator of ours uses now is its own affair: its connections come and go while it
   * starts and ends.
   */
  #vanished({ keys, from }: KnownWorker): { endpoint: string; client: string }[] {
    const { directory, hasVanished } = this.#options;
    if (from === undefined) return [];
    return [...keys].flatMap((endpoint) => {
      const { claim, tenant } = directory.get(endpoint) ?? {};
      if (!claim || tenant) return [];
      return claim.leftBehind.filter((client) => hasVanished(client, from)).map((client) => ({
        endpoint,
        client,
      }));
    });
  }

  #findLost(lateMs: number): void {
    const nowMs = this.#options.clock.monotonic();
    if (lateMs > STOOD_STILL_MS) this.#book.forgive(nowMs);
    for (const worker of this.#book.takeLost(nowMs)) this.#lose(worker);
    for (const { name, from } of this.#book.forgettable(nowMs)) this.left(name, from);
    const dueMs = this.#book.nextDueMs;
    if (dueMs < Infinity) this.#alarm.ringBy(dueMs);
  }

  #lose(worker: KnownWorker): void {
    const { logger, directory, timeoutMs } = this.#options;
    logger.warn("worker lost", { worker: worker.name, silentMs: timeoutMs });
    const silence = `no heartbeat from worker ${worker.name} for ${timeoutMs / 1000} s`;
    const reason = `${silence}; look after it and its network`;
    for (const key of worker.keys) {
      const backend = directory.get(key);
      if (backend?.claim?.workerName !== worker.name) continue;
      backend.claim.isSilent = true;
      this.#fail(backend, `${key}: ${reason}`);
    }
  }
}

function isUsable(claim: WorkerClaim): boolean {
  return !claim.isSilent && claim.said.is_running && claim.holders.length === 0;
}
