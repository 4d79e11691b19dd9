/**
 * Mixed load on three models while rpc backends and coordinators are killed every few seconds, and what the gateway
 * holds before and after.
 *
 *     deno task soak [--seconds 170] [--clients 12]
 */
import { setTimeout as delay } from "node:timers/promises";
import { ask, countEnds, type Reply } from "./ask.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { numberArgument, print, seconds } from "./figures.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { figuresOf, type ProcessFigures } from "./process_figures.ts";
import { type ShelfBackend, startShelf } from "./shelf.ts";
import { findPrograms } from "./with_llama_cpp.ts";

const MODELS = ["tiny", "other", "third"] as const;
/** A load is warm when all code has run and all caches are filled. */
const WARM_UP_MS = 15_000;
/** As V8 tells of a collection: `Mark-Compact 126.1 (142.6) -> 31.6 (48.4) MB`. */
const LAST_HEAP = /.*Mark-Compact [\d.]+ \([\d.]+\) -> ([\d.]+)/s;
/** For how long a killed rpc backend is away. */
const AWAY_MS = 1_000;

/** V8 takes memory for its young objects as it needs it, and gives it back late. */
const MOST_GROWTH_MIB = { heapMib: 16, residentMib: 128 };

/** How long and how much. */
export interface SoakOptions {
  /** Without the warm-up, ms. */
  readonly durationMs: number;
  readonly clientCount: number;
}

/** What the gateway and its sandbox hold while nothing is loaded. */
export interface Footprint extends ProcessFigures {
  /** What its last garbage collection has left on the gateway's heap, MiB. All of them are full ones here. */
  readonly heapMib: number;
  /** Processes of the sandbox: the gateway's own, and whatever it has started. */
  readonly processCount: number;
}

/** What became of it. */
export interface SoakResult {
  readonly replies: readonly Reply[];
  /** What was killed, by kind. */
  readonly killed: { backends: number; coordinators: number };
  readonly loadCount: number;
  /** Requests that failed before their first byte though only one coordinator was asked. */
  readonly notRetriedCount: number;
  /** After the warm-up, and at the end. */
  readonly before: Footprint;
  readonly after: Footprint;
}

/** Runs the load, with kills. */
export async function soak(programs: RealPrograms, options: SoakOptions): Promise<SoakResult> {
  await using stack = new AsyncDisposableStack();
  const bed = stack.use(await GatewayBed.create(programs, { backendCount: 0, models: MODELS }));
  const backends = await startShelf(programs.rpcServer, 3, stack);
  const rpcBackends = backends.map(({ endpoint }) => endpoint);
  const settings = {
    "coordinator.placement": "auto",
    "pool.restart_window": "2s",
    "pool.swap_wait": "1s",
    "rpc.trust": "1s",
  };
  const gateway = stack.use(
    await bed.serve({
      rpcBackends,
      settings,
      env: { DENO_V8_FLAGS: "--trace-gc,--gc-global,--max-semi-space-size=2" },
    }),
  );
  const run = new Soak(gateway, backends, options.clientCount);
  await run.disturb(WARM_UP_MS);
  const before = await run.footprint(bed);
  await run.disturb(options.durationMs);
  const after = await run.footprint(bed);
  await gateway.stop();
  await bed.assertNothingLeft();
  const { replies, killed } = run;
  const notRetried = gateway.program.logged("request").filter(({ outcome, attemptCount, firstByteMs }) =>
    outcome === "failed" && attemptCount === 1 && firstByteMs === undefined
  );
  return {
    replies,
    killed,
    loadCount: gateway.loads.length,
    notRetriedCount: notRetried.length,
    before,
    after,
  };
}

/** Clients and kills, for as long as they are let. */
class Soak {
  readonly replies: Reply[] = [];
  readonly killed = { backends: 0, coordinators: 0 };

  constructor(
    private readonly gateway: ServedGateway,
    private readonly backends: readonly ShelfBackend[],
    private readonly clientCount: number,
  ) {}

  /** Load and kills for so long; then all clients have their answers. */
  async disturb(durationMs: number): Promise<void> {
    const over = AbortSignal.timeout(durationMs);
    const clients = Array.from({ length: this.clientCount }, () => this.#askUntil(over));
    await Promise.all([...clients, this.#killUntil(over)]);
  }

  /** What is held once every model is unloaded. */
  async footprint(bed: GatewayBed): Promise<Footprint> {
    for (const { model } of await this.gateway.coordinators()) {
      await this.gateway.unload(model.split(":")[0]!);
    }
    const count = () => bed.sandbox.processes().length;
    await eventually("only the gateway runs", () => count() === 1);
    await delay(5_000); // idle connections are closed
    const { pid, stdout } = this.gateway.program;
    const heapMib = Math.round(Number(stdout.text.match(LAST_HEAP)?.[1] ?? 0));
    return { ...figuresOf(pid), heapMib, processCount: count() };
  }

  async #askUntil(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const isImpatient = Math.random() < 0.2;
      const reply = await ask(this.gateway.url, {
        model: oneOf(MODELS),
        stream: Math.random() < 0.5,
        maxTokens: oneOf([8, 40, 150]),
        headers: {
          "connection": "close", // what is left open at the end is the gateway's own
          "x-sollol-priority": String(Math.floor(Math.random() * 11)),
        },
        ...(isImpatient && { signal: AbortSignal.timeout(Math.ceil(Math.random() * 2_000)) }),
      });
      this.replies.push(reply);
      if (reply.end === "refused") await delay(200); // as a client does that has read Retry-After
    }
  }

  async #killUntil(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await delay(1_000 + 2_000 * Math.random());
      if (Math.random() < 0.5) await this.#killBackend();
      else await this.#killCoordinator();
    }
  }

  async #killBackend(): Promise<void> {
    const backend = oneOf(this.backends);
    await backend.kill();
    this.killed.backends++;
    await delay(AWAY_MS);
    await backend.revive();
  }

  async #killCoordinator(): Promise<void> {
    const running = (await this.gateway.coordinators()).flatMap(({ pid }) => pid ?? []);
    if (running.length === 0) return;
    try {
      Deno.kill(oneOf(running), "SIGKILL");
      this.killed.coordinators++;
    } catch {
      // it was stopped for another just now
    }
  }
}

function oneOf<T>(items: readonly T[]): T {
  return items[Math.floor(items.length * Math.random())]!;
}

/** What must never be: ends in silence, requests that were not retried, and whatever the gateway still holds. */
export function complaintsAbout({ replies, notRetriedCount, before, after }: SoakResult): string[] {
  const silent = replies.filter(({ end }) => end === "broken").length;
  const isMore = (name: "fdCount" | "socketCount" | "processCount") => after[name] > before[name];
  return [
    ...(silent > 0 ? [`${silent} answers ended in silence`] : []),
    ...(notRetriedCount > 0 ? [`${notRetriedCount} requests failed at their first attempt`] : []),
    ...(["fdCount", "socketCount", "processCount"] as const).filter(isMore)
      .map((name) => `${name} was ${before[name]}, is ${after[name]}`),
    ...(["heapMib", "residentMib"] as const).filter((name) =>
      after[name] > before[name] + MOST_GROWTH_MIB[name]
    )
      .map((name) => `${name} was ${before[name]}, is ${after[name]}`),
  ];
}

async function main(): Promise<void> {
  const programs = await findPrograms();
  if (typeof programs === "string") throw new Error(programs);
  const durationMs = 1_000 * numberArgument("seconds", 150);
  const clientCount = numberArgument("clients", 12);
  const result = await soak(programs, { durationMs, clientCount });
  const { replies, killed, loadCount, before, after } = result;
  print(
    `${clientCount} clients, ${MODELS.length} models, 3 rpc backends, ${seconds(durationMs)} after a warm-up`,
  );
  print(
    `killed ${JSON.stringify(killed)}, loads ${loadCount}, replies ${JSON.stringify(countEnds(replies))}`,
  );
  const untold = replies.filter(({ end, tokenCount }) =>
    end !== "whole" && end !== "left" && tokenCount === 0
  );
  const reasons = Map.groupBy(untold, ({ error, status }) => `${status} ${error?.code ?? ""}`);
  for (const [reason, { length, [0]: first }] of reasons) {
    print(`  without a byte: ${length} × ${reason}, such as: ${first!.error?.message}`);
  }
  print(`before ${JSON.stringify(before)}`);
  print(`after  ${JSON.stringify(after)}`);
  for (const complaint of complaintsAbout(result)) {
    print(`WRONG: ${complaint}`);
    Deno.exitCode = 1;
  }
}

if (import.meta.main) await main();
