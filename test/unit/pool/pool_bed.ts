import { ok } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { silentLogger } from "../../../lib/log.ts";
import { CoordinatorPool } from "../../../lib/pool/pool.ts";
import type { PoolOptions } from "../../../lib/pool/pool_options.ts";
import type {
  CoordinatorLease,
  LoadProgress,
  Place,
  PoolDemand,
  Pooled,
  PoolEvent,
  PoolSettings,
  Prospect,
  Wanted,
} from "../../../lib/pool/pooled.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** As the config's defaults, but that idle coordinators stay. */
export const SETTINGS: PoolSettings = {
  maxCoordinators: 4,
  idleTtlMs: Infinity,
  minResidencyMs: 0,
  swapWaitMs: 5_000,
  maxRestarts: 3,
  restartWindowMs: 600_000,
  maxQueued: 512,
  queueWaitMs: 600_000,
  pinnedKeys: new Set(),
};

/** A coordinator that lives and dies as the test says. */
export class FakeCoordinator implements Pooled {
  readonly #dead = new AbortController();
  readonly #gone = new AbortController();
  readonly #leaving = new AbortController();
  stopCount = 0;
  /** Set to let {@linkcode stop} take its time. */
  stopping: () => Promise<void> = () => Promise.resolve();
  constructor(
    readonly key: string,
    readonly endpoints: readonly string[],
    readonly slotCount: number,
    private readonly onGone: () => void,
  ) {}
  get dead(): AbortSignal {
    return this.#dead.signal;
  }
  get gone(): AbortSignal {
    return this.#gone.signal;
  }
  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }
  get isAlive(): boolean {
    return !this.dead.aborted;
  }
  leave(): void {
    this.#leaving.abort(new Error("its backend leaves"));
  }
  /** Its process exits; why, is known only later. */
  exit(): void {
    this.#dead.abort(new Error("exit"));
  }
  die(why: string): void {
    this.exit();
    this.#gone.abort(new Error(why));
  }
  async stop(): Promise<void> {
    this.stopCount++;
    await this.stopping();
    this.die("stopped");
    this.onGone();
  }
}

/** What a model needs of the world. */
export interface FakeModel {
  /** How many rpc backends. */
  readonly backendCount?: number;
  readonly slotCount?: number;
}

interface Load {
  readonly key: string;
  readonly endpoints: readonly string[];
  readonly onProgress: (progress: LoadProgress) => void;
  readonly signal: AbortSignal;
  readonly outcome: PromiseWithResolvers<FakeCoordinator>;
}

/** Whoever sleeps for no time at all would do so for ever. */
class StrictClock extends FakeClock {
  override sleep(ms: number, options?: { signal?: AbortSignal }): Promise<void> {
    ok(ms > 0, `sleeps ${ms} ms`);
    return super.sleep(ms, options);
  }
}

/** A pool over rpc backends that are all alike; loads end when the test says so. */
export class Bench implements AsyncDisposable {
  readonly clock: FakeClock = new StrictClock();
  readonly events: PoolEvent[] = [];
  readonly pool: CoordinatorPool<FakeCoordinator>;
  /** Keys of the models, each time that one was prepared, and each time that one was started. */
  readonly prepared: string[] = [];
  readonly started: string[] = [];
  readonly running = new Set<FakeCoordinator>();
  readonly loads: Load[] = [];
  /** Who holds each rpc backend. */
  readonly backends = new Map<string, string | undefined>();
  /** Set to let preparations take their time, or fail. */
  preparing: (key: string) => Promise<void> = () => Promise.resolve();
  /** Set to have a look at coordinators before the pool has. */
  adorn: (coordinator: FakeCoordinator) => void = () => {};
  readonly #models: Record<string, FakeModel>;

  constructor(
    { settings = {}, backends = ["b1"], models = {}, ...options }:
      & { settings?: Partial<PoolSettings>; backends?: string[]; models?: Record<string, FakeModel> }
      & Partial<Omit<PoolOptions, "settings">> = {},
  ) {
    for (const endpoint of backends) this.backends.set(endpoint, undefined);
    this.#models = models;
    this.pool = new CoordinatorPool<FakeCoordinator>({
      logger: silentLogger,
      clock: this.clock,
      settings: { ...SETTINGS, ...settings },
      onEvent: (event) => this.events.push(event),
      random: () => 0.5,
      ...options,
    });
  }

  wanted(key: string): Wanted<FakeCoordinator> {
    return {
      key,
      model: key,
      prepare: async (signal) => {
        this.prepared.push(key);
        await Promise.race([this.preparing(key), aborted(signal)]);
        return this.#prospect(key);
      },
    };
  }

  /** What is not awaited may fail. */
  acquire(key: string, demand: Partial<PoolDemand> = {}): Promise<CoordinatorLease<FakeCoordinator>> {
    return unguarded(
      this.pool.acquire(this.wanted(key), { signal: new AbortController().signal, ...demand }),
    );
  }

  /** What is not awaited may fail. */
  load(key: string, demand: Partial<PoolDemand> = {}): Promise<void> {
    return unguarded(this.pool.load(this.wanted(key), { signal: new AbortController().signal, ...demand }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close();
  }

  /** Has a model loaded, takes a lease. */
  async ready(key: string, demand: Partial<PoolDemand> = {}): Promise<CoordinatorLease<FakeCoordinator>> {
    const acquired = this.acquire(key, demand);
    await settle();
    if (this.isLoading(key)) await this.finishLoad(key);
    return await acquired;
  }

  /** Has a model loaded that nobody uses then. */
  async idle(key: string, demand: Partial<PoolDemand> = {}): Promise<FakeCoordinator> {
    const lease = await this.ready(key, demand);
    lease[Symbol.dispose]();
    await settle();
    return lease.coordinator;
  }

  isLoading(key: string): boolean {
    return this.loads.some((load) => load.key === key);
  }

  /** The model's process is ready. */
  async finishLoad(key: string): Promise<FakeCoordinator> {
    const { endpoints, outcome } = this.#take(key);
    const { slotCount = 2 } = this.#models[key] ?? {};
    const coordinator = new FakeCoordinator(key, endpoints, slotCount, () => {
      this.running.delete(coordinator);
      this.free(endpoints);
    });
    this.running.add(coordinator);
    this.adorn(coordinator);
    outcome.resolve(coordinator);
    await settle();
    return coordinator;
  }

  /** The model's process fails. */
  async failLoad(key: string, error: Error): Promise<void> {
    const { endpoints, outcome } = this.#take(key);
    this.free(endpoints);
    outcome.reject(error);
    await settle();
  }

  /** Rpc backends are given back; those that are not there any more stay away. */
  free(endpoints: readonly string[]): void {
    for (const endpoint of endpoints) if (this.backends.has(endpoint)) this.backends.set(endpoint, undefined);
  }

  /** Lets time pass, and everything happen that is due. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settle();
  }

  view(key: string) {
    return this.pool.view(key)!;
  }

  state(key: string): string {
    const { state, phase } = this.view(key);
    return phase ?? state;
  }

  /** States that a model's coordinator went through. */
  states(model: string): string[] {
    return this.events.flatMap((event) =>
      event.type === "state" && event.model === model ? [event.state] : []
    );
  }

  #take(key: string): Load {
    const index = this.loads.findIndex((load) => load.key === key);
    if (index < 0) throw new TypeError(`"${key}" is not being loaded: ${this.view(key)?.because}`);
    return this.loads.splice(index, 1)[0]!;
  }

  #prospect(key: string): Prospect<FakeCoordinator> {
    const { backendCount = 1 } = this.#models[key] ?? {};
    const free = () => [...this.backends].flatMap(([endpoint, holder]) => holder ? [] : [endpoint]);
    return {
      fitsWith: (freed) => {
        const more = [...freed].filter((endpoint) => this.backends.get(endpoint) !== undefined);
        return free().length + more.length >= backendCount;
      },
      place: () => {
        if (this.backends.size < backendCount) {
          throw new GatewayError("insufficient_memory", `"${key}" fits nowhere`);
        }
        const endpoints = free().slice(0, backendCount);
        return endpoints.length < backendCount ? undefined : this.#place(key, endpoints);
      },
    };
  }

  #place(key: string, endpoints: readonly string[]): Place<FakeCoordinator> {
    for (const endpoint of endpoints) this.backends.set(endpoint, key);
    let isStarted = false;
    return {
      endpoints,
      because: `goes to ${endpoints.join(", ")}`,
      start: (signal, onProgress) => {
        isStarted = true;
        this.started.push(key);
        const outcome = Promise.withResolvers<FakeCoordinator>();
        const load: Load = { key, endpoints, onProgress, signal, outcome };
        this.loads.push(load);
        signal.addEventListener("abort", () => {
          if (!this.loads.includes(load)) return;
          this.loads.splice(this.loads.indexOf(load), 1);
          this.free(endpoints);
          outcome.reject(signal.reason);
        }, { once: true });
        return outcome.promise;
      },
      [Symbol.dispose]: () => {
        if (!isStarted) this.free(endpoints);
      },
    };
  }
}

/** Lets all promise reactions run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

/** Whether a promise has an outcome yet. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let is = false;
  const settled = () => void (is = true);
  void promise.then(settled, settled);
  await settle();
  return is;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function unguarded<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
