import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { type Endpoint, formatEndpoint } from "../rpc/endpoint.ts";
import { ParkedProbes } from "../rpc/parked_probes.ts";
import type { ProbeBackend, ProbeResult } from "../rpc/probe.ts";
import { judge } from "../rpc/verdict.ts";
import { Alarm } from "./alarm.ts";
import type { BackendDirectory } from "./backend_directory.ts";
import { CheckQueue } from "./check_queue.ts";
import type { HealthLedger } from "./health_ledger.ts";
import type { ReadHostMemory } from "./host_memory.ts";
import type { BackendIdentity, Identify } from "./identity.ts";
import type { EndpointName, Evidence, RegisteredBackend } from "./registered_backend.ts";

/** However many connections are parked, so many probes can still be made at once. */
const MIN_PROBES = 4;

/** What {@linkcode BackendChecks} works with. */
export interface BackendChecksOptions {
  /** Time. */
  readonly clock: Clock;
  /** Gets what nobody foresaw, and which names turn out to be one. */
  readonly logger: Logger;
  /** Which backends there are. */
  readonly directory: BackendDirectory;
  /** Learns what is found. */
  readonly ledger: HealthLedger;
  /** Asks a backend. */
  readonly probe: ProbeBackend;
  /** Finds out what a name leads to. */
  readonly identify: Identify;
  /** Asks this host's kernel. */
  readonly hostMemory: ReadHostMemory;
  /** For one probe, ms. */
  readonly probeTimeoutMs: number;
  /** Most probes and parked connections at once. */
  readonly maxProbes: number;
}

/** Checks rpc backends when it is time, and at once when asked: what their names lead to, and how they are. */
export class BackendChecks implements AsyncDisposable {
  readonly #options: BackendChecksOptions;
  readonly #queue: CheckQueue<RegisteredBackend>;
  readonly #alarm: Alarm;
  readonly #parked: ParkedProbes;

  /** Checks nothing yet. */
  constructor(options: BackendChecksOptions) {
    const { clock, maxProbes } = options;
    this.#options = options;
    this.#alarm = new Alarm(clock, () => this.#startDue());
    this.#parked = new ParkedProbes(clock, {
      maxCount: Math.floor(maxProbes / 2),
      onFreed: (endpoint) => this.#freed(endpoint),
    });
    this.#queue = new CheckQueue(
      (backend, signal) => this.#check(backend, signal),
      () => Math.max(Math.min(MIN_PROBES, maxProbes), maxProbes - this.#parked.size),
    );
  }

  /** Checks a backend now, unless it must not be probed. Resolves when that has ended, however; never rejects. */
  soon(backend: RegisteredBackend, { isUrgent = false } = {}): Promise<void> {
    if (!backend.mayBeProbed) return Promise.resolve();
    return this.#queue.ask(backend, { isQuick: backend.isQuick, isUrgent });
  }

  /** Checks a backend when it is time. To be called when that has changed. */
  later(backend: RegisteredBackend): void {
    this.#alarm.ringBy(backend.nextCheckMs);
  }

  /** Ends a check that waits or runs: what is known now is newer. */
  cancel(backend: RegisteredBackend): void {
    this.#queue.cancel(backend);
  }

  /** Takes evidence that is newer than any check of the backend, one under way included. */
  overrule(backend: RegisteredBackend, evidence: Evidence): void {
    this.cancel(backend);
    this.#options.ledger.learn(backend, evidence);
    this.later(backend);
  }

  /** Lets go of a name that is no more. */
  leave({ endpoint }: EndpointName): void {
    this.#parked.leave(endpoint);
    this.#queue.advance();
  }

  /**
   * Probes a backend, whoever holds it, and has the ledger learn what is found.
   *
   * @throws The signal's reason.
   */
  async probe(
    backend: RegisteredBackend,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): Promise<ProbeResult> {
    const { clock, ledger, hostMemory } = this.#options;
    const startMs = clock.monotonic();
    const { endpoint, identity } = backend.names[0]!;
    const wantVersion = ledger.own?.protocol;
    const result = await this.#options.probe(endpoint, {
      timeoutMs,
      signal,
      clock,
      parked: this.#parked,
      ...(wantVersion && { wantVersion }),
    });
    const hostFreeBytes = identity?.isLocal ? await hostMemory() : undefined;
    signal.throwIfAborted();
    backend.timed(clock.monotonic() - startMs);
    ledger.answered(backend, result, hostFreeBytes);
    this.later(backend);
    return result;
  }

  /** Ends all probes and closes what is parked. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#alarm[Symbol.dispose]();
    await this.#queue[Symbol.asyncDispose]();
    this.#parked[Symbol.dispose]();
  }

  #startDue(): void {
    const nowMs = this.#options.clock.monotonic();
    let nextMs = Infinity;
    for (const backend of this.#options.directory.all()) {
      if (!backend.mayBeProbed) continue;
      if (backend.nextCheckMs <= nowMs) void this.soon(backend);
      else nextMs = Math.min(nextMs, backend.nextCheckMs);
    }
    if (nextMs < Infinity) this.#alarm.ringBy(nextMs);
  }

  #freed(endpoint: Endpoint): void {
    const backend = this.#options.directory.get(formatEndpoint(endpoint));
    if (backend) void this.soon(backend);
    this.#queue.advance();
  }

  async #check(backend: RegisteredBackend, signal: AbortSignal): Promise<void> {
    try {
      if (await this.#identify(backend, signal)) {
        await this.probe(backend, { timeoutMs: this.#options.probeTimeoutMs, signal });
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#options.logger.error("rpc backend check failed", { endpoint: backend.key, error });
      this.#options.ledger.learn(backend, {
        health: "down",
        reason: `Cannot check ${backend.key}: ${messageOf(error)}; see the log`,
      });
      this.later(backend);
    }
  }

  /** @returns Whether the backend is to be probed: it may be another name of one that is held. */
  async #identify(backend: RegisteredBackend, signal: AbortSignal): Promise<boolean> {
    const found = await this.#findIdentities(backend.names, signal);
    signal.throwIfAborted();
    this.#regroup(backend, found);
    if (signal.aborted || !backend.mayBeProbed) return false;
    if (found.has(backend.names[0]!)) return true;
    const { ledger } = this.#options;
    const finding = { kind: "unreachable", code: "ENOTFOUND" } as const;
    ledger.learn(backend, { health: "down", reason: judge(finding, backend.names[0]!.endpoint).reason });
    this.later(backend);
    return false;
  }

  async #findIdentities(
    names: readonly EndpointName[],
    signal: AbortSignal,
  ): Promise<Map<EndpointName, BackendIdentity>> {
    const { clock, identify, probeTimeoutMs } = this.#options;
    using deadline = new Deadline(clock, probeTimeoutMs, { signal });
    const find = async (name: EndpointName) => {
      try {
        return [name, await identify(name.endpoint, { signal: deadline.signal })] as const;
      } catch (error) {
        if (deadline.hasPassed) return [name, undefined] as const;
        throw error;
      }
    };
    const found = await Promise.all(names.map(find));
    return new Map(found.flatMap(([name, identity]) => identity ? [[name, identity] as const] : []));
  }

  #regroup(backend: RegisteredBackend, found: ReadonlyMap<EndpointName, BackendIdentity>): void {
    const { directory, logger } = this.#options;
    const aliases = new Set(backend.names.slice(1));
    const { split, merged } = directory.regroup(backend, found);
    for (const { gone, into } of merged) {
      this.cancel(gone);
      logger.info("rpc backend has two names", {
        endpoint: into.key,
        aliases: into.names.slice(1).map(({ key }) => key),
      });
      if (into.knownMs === undefined) void this.soon(into);
    }
    for (const stray of split) {
      if (aliases.has(stray.names[0]!)) {
        logger.info("rpc backend is another one now", { endpoint: stray.key });
      }
      void this.soon(stray);
    }
  }
}
