import { equal } from "node:assert/strict";
import { silentLogger } from "../../lib/log.ts";
import { chooseEvictions, type EvictionCandidate } from "../../lib/pool/choose_evictions.ts";
import { CoordinatorPool } from "../../lib/pool/pool.ts";
import type { Pooled, PoolSettings, Wanted } from "../../lib/pool/pooled.ts";
import { untilAborted } from "../../lib/until_aborted.ts";

const WAITER_COUNT = 100;
const SETTINGS: PoolSettings = {
  maxCoordinators: 64,
  idleTtlMs: Infinity,
  minResidencyMs: 0,
  swapWaitMs: 5_000,
  maxRestarts: 5,
  restartWindowMs: 600_000,
  maxQueued: 10 * WAITER_COUNT,
  queueWaitMs: 3_600_000,
  pinnedKeys: new Set(),
};
const signal = new AbortController().signal;

/** A model that is loaded at once and needs no rpc backend. */
function instant(key: string, slotCount: number): Wanted<Pooled> {
  const never = new AbortController().signal;
  const coordinator: Pooled = {
    dead: never,
    gone: never,
    slotCount,
    endpoints: [],
    stop: () => Promise.resolve(),
  };
  const place = {
    endpoints: [],
    because: "",
    start: () => Promise.resolve(coordinator),
    [Symbol.dispose]() {},
  };
  const prospect = { place: () => place, fitsWith: () => true };
  return { key, model: key, prepare: () => Promise.resolve(prospect) };
}

/** A model whose file takes for ever to read. */
function slow(key: string): Wanted<Pooled> {
  return {
    key,
    model: key,
    async prepare(signal) {
      await untilAborted(signal);
      throw signal.reason;
    },
  };
}

const warm = instant("warm", 4);

/** A pool in which one model is ready. */
async function openPool(): Promise<CoordinatorPool<Pooled>> {
  const pool = new CoordinatorPool<Pooled>({ logger: silentLogger, settings: SETTINGS });
  await pool.load(warm, { signal });
  return pool;
}

function waitFor(pool: CoordinatorPool<Pooled>, wanted: Wanted<Pooled>): void {
  void pool.acquire(wanted, { signal }).catch(() => {});
}

const quiet = await openPool();

const queueing = await openPool();
const busy = instant("busy", 1);
await queueing.acquire(busy, { signal });
for (let at = 0; at < WAITER_COUNT; at++) waitFor(queueing, busy);
equal(queueing.view("busy")?.waitingCount, WAITER_COUNT);

const starting = await openPool();
for (let at = 0; at < WAITER_COUNT; at++) waitFor(starting, slow(`slow ${at}`));
equal(starting.views().filter(({ state }) => state === "starting").length, WAITER_COUNT);

const acquire = { group: "acquire and release a warm coordinator" };

for (
  const [name, pool, isBaseline] of [
    ["nobody waits", quiet, true],
    ["100 requests wait for a slot of another model", queueing, false],
    ["100 other models are being read, one request waiting for each", starting, false],
  ] as const
) {
  Deno.bench(name, { ...acquire, baseline: isBaseline }, async () => {
    using _lease = await pool.acquire(warm, { signal });
  });
}

/** Idle coordinators of which only the dearest two hold what is needed. */
function candidates(count: number): EvictionCandidate[] {
  return Array.from({ length: count }, (_, at) => {
    return { key: `${at}`, endpoints: [`10.0.0.${at}:50052`], loadMs: 1_000 * (at + 1), idleMs: 60_000 };
  });
}

for (const count of [1, 4, 6, 64]) {
  const idle = candidates(count);
  const needed = idle.slice(-2).flatMap(({ endpoints }) => endpoints);
  const need = {
    leastCount: 0,
    suffices: (freed: ReadonlySet<string>) => needed.every((one) => freed.has(one)),
  };
  Deno.bench(`chooseEvictions() of ${count}`, {
    group: "evictions, with plans that cost nothing",
    baseline: count === 1,
  }, () => {
    chooseEvictions(idle, need);
  });
}
