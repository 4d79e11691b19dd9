import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { mergeConfig } from "../../lib/config/merge.ts";
import { LocalHost } from "../../lib/coordinator/local_host.ts";
import { readHeldMemory, type ReadLocalMemory, readLocalMemory } from "../../lib/coordinator/local_memory.ts";
import { localModel, type LocalModelOptions } from "../../lib/coordinator/local_model.ts";
import { ModelPlanner, NO_HISTORY } from "../../lib/coordinator/model_planner.ts";
import type { PlacedCoordinator } from "../../lib/coordinator/placed_coordinator.ts";
import { GatewayError } from "../../lib/errors.ts";
import { buildTinyModel } from "../../lib/gguf/tiny_model.ts";
import { HttpClient } from "../../lib/http/client.ts";
import { silentLogger } from "../../lib/log.ts";
import type { HostMemory } from "../../lib/planner/place_whole.ts";
import { CoordinatorPool } from "../../lib/pool/pool.ts";
import { poolSettings } from "../../lib/pool_settings.ts";
import type { CoordinatorLease, PoolEvent, Wanted } from "../../lib/pool/pooled.ts";
import { GgufHeaderCache } from "../../lib/store/gguf_header_cache.ts";
import { GIB, MIB } from "../../lib/units.ts";
import { SOME_MODEL } from "../fixtures/model_planning.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const llamaTest = await withLlamaCpp();
const NEVER = new AbortController().signal;

/** What differs from one bed to another. */
interface LocalBedOptions {
  /** In the words of the environment; the reserve is 0 unless it says otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  /** What this host is said to have free. Default: what it has. */
  readonly freeBytes?: number;
  readonly stallMs?: number;
}

/** A pool whose models run whole on this host, by the real llama-server. */
class LocalBed implements AsyncDisposable {
  readonly events: PoolEvent[] = [];
  #outdated = new AbortController();
  readonly #options: LocalModelOptions;
  readonly #stack = new AsyncDisposableStack();
  readonly #http = this.#stack.use(new HttpClient());
  readonly pool: CoordinatorPool<PlacedCoordinator>;

  constructor(
    private readonly directory: string,
    { llamaServer }: RealPrograms,
    { env, freeBytes, stallMs }: LocalBedOptions = {},
  ) {
    const { config } = mergeConfig({
      env: {
        SOLLOL_COORDINATOR_THREADS: "1",
        SOLLOL_LLAMA_CPP_LLAMA_SERVER: llamaServer,
        SOLLOL_POOL_MIN_RESIDENCY: "0s",
        SOLLOL_RPC_RESERVE: "0",
        SOLLOL_STATE_DIR: directory,
        ...env,
      },
    });
    const { timeouts } = config;
    this.#options = {
      config: { ...config, timeouts: { ...timeouts, stallMs: stallMs ?? timeouts.stallMs } },
      optionsChanged: () => this.#outdated.signal,
      env: {},
      http: this.#http,
      logger: silentLogger,
      planner: new ModelPlanner(config, new GgufHeaderCache(), NO_HISTORY),
      host: new LocalHost(freeBytes === undefined ? readLocalMemory : saying(freeBytes)),
    };
    this.pool = this.#stack.use(
      new CoordinatorPool<PlacedCoordinator>({
        logger: silentLogger,
        settings: poolSettings(config, (model) => model),
        onEvent: (event) => this.events.push(event),
      }),
    );
  }

  /** The way to a coordinator of a tiny model of that name, with weights of its own. */
  async model(name: string, seed = 1): Promise<Wanted<PlacedCoordinator>> {
    const modelPath = join(this.directory, `${name}.gguf`);
    const bytes = buildTinyModel({ name, seed });
    await Deno.writeFile(modelPath, bytes);
    const model = { ...SOME_MODEL, name: `${name}:latest`, key: name, modelPath, sizeBytes: bytes.length };
    return localModel({ key: name, model: model.name, resolve: () => Promise.resolve(model) }, this.#options);
  }

  acquire(wanted: Wanted<PlacedCoordinator>): Promise<CoordinatorLease<PlacedCoordinator>> {
    return this.pool.acquire(wanted, { signal: NEVER });
  }

  /** Four tokens of an answer. */
  async chat({ coordinator: { address, headers } }: CoordinatorLease<PlacedCoordinator>): Promise<string> {
    const messages = [{ role: "user", content: "Hello there" }];
    const { status, body } = await this.#http.send(address, {
      method: "POST",
      target: "/v1/chat/completions",
      headers: [...headers, ["content-type", "application/json"]],
      body: new TextEncoder().encode(JSON.stringify({ messages, max_tokens: 4, temperature: 0 })),
    });
    const answer = JSON.parse(await body.text(MIB));
    equal(status, 200, JSON.stringify(answer));
    return answer.choices[0].message.content;
  }

  /** Loads a model, and lets go of it. */
  async use(wanted: Wanted<PlacedCoordinator>): Promise<{ pid: number; text: string }> {
    using lease = await this.acquire(wanted);
    return { pid: lease.coordinator.pid, text: await this.chat(lease) };
  }

  /** Coordinators are started with other options from now on. */
  outdate(): void {
    const outdated = this.#outdated;
    this.#outdated = new AbortController();
    outdated.abort(new Error("The configuration changed"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** A test after which no process of its bed is left. */
function localTest(name: string, options: LocalBedOptions, body: (bed: LocalBed) => Promise<void>): void {
  llamaTest(name, async (programs) => {
    const directory = await Deno.makeTempDir({ prefix: "local-bed-" });
    try {
      await using bed = new LocalBed(directory, programs, options);
      await body(bed);
      await bed.pool.close();
      deepEqual(pidsOf(directory), [], "processes are left");
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

/** Processes that were started for a file of this directory. */
function pidsOf(directory: string): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    try {
      return pid > 0 && Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes(directory);
    } catch {
      return false; // it ended while we looked
    }
  });
}

/** RAM alone, always as much. */
function saying(freeBytes: number): ReadLocalMemory {
  const memories: HostMemory[] = [{ name: "CPU", freeBytes }];
  return () => Promise.resolve(memories);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

localTest(
  "a model runs whole on this host, answers, and says where it is",
  { freeBytes: 20 * GIB },
  async (bed) => {
    const wanted = await bed.model("tiny");
    using lease = await bed.acquire(wanted);
    const { coordinator } = lease;
    ok((await bed.chat(lease)).length > 0);
    match(
      coordinator.because,
      /^"tiny:latest" runs whole on this host: 8 layers, \d+\.\d MiB of 20\.0 GiB free$/,
    );
    equal(coordinator.upstream, "coordinator of tiny:latest");
    deepEqual(bed.pool.view("tiny")!.endpoints, ["this host"]);
    const { devices: [device], because } = coordinator.placement;
    equal(because, coordinator.because);
    deepEqual([device!.endpoint, device!.layerCount, device!.hasOutput], ["this host", 8, true]);
    const { weightBytes, kvBytes, computeBytes, actual } = device!;
    for (const [planned, real] of [[weightBytes, actual.weightBytes], [kvBytes, actual.kvBytes]] as const) {
      ok(Math.abs(planned - real) <= 0.01 * MIB, `${real} B for ${planned}`);
    }
    ok(
      Math.abs(computeBytes / actual.computeBytes - 1) < 0.05,
      `${actual.computeBytes} B for ${computeBytes}`,
    );
    const args = (await Deno.readTextFile(`/proc/${coordinator.pid}/cmdline`)).split("\0");
    deepEqual(["--rpc", "--device", "-ngl", "-ts"].filter((flag) => args.includes(flag)), []);
    const stages = bed.events.flatMap((event) => event.type === "loading" ? [event.stage] : []);
    deepEqual(stages, ["loading", "warming up"]);
  },
);

llamaTest("what this host has is read from its kernel and from llama-server", async (programs) => {
  const [ram, ...gpus] = await readLocalMemory(programs.llamaServer, NEVER);
  equal(ram!.name, "CPU");
  ok(ram!.freeBytes > 10 * MIB);
  for (const { name } of gpus) ok(!name.startsWith("CPU"), name);
  equal((await readLocalMemory("/nowhere/llama-server", NEVER)).length, 1);
  await rejects(readLocalMemory(programs.llamaServer, AbortSignal.abort(new Error("left"))), /left/);
});

localTest("a coordinator that is killed is replaced, and this host is its own again", {}, async (bed) => {
  const wanted = await bed.model("tiny");
  const first = await bed.use(wanted);
  Deno.kill(first.pid, "SIGKILL");
  await eventually("another one is ready", () => {
    const { state, restartCount } = bed.pool.view("tiny")!;
    return state === "ready" && restartCount === 1;
  });
  const second = await bed.use(wanted);
  ok(second.pid !== first.pid);
  equal(second.text, first.text);
  match(
    bed.pool.view("tiny")!.failures[0]!.reason,
    /^The coordinator of "tiny:latest" died: llama-server .*SIGKILL/,
  );
});

localTest("one that hangs is ended, and no rpc backend is blamed", { stallMs: 2_000 }, async (bed) => {
  const wanted = await bed.model("tiny");
  const first = await bed.use(wanted);
  Deno.kill(first.pid, "SIGSTOP");
  await eventually("it is replaced", () => bed.pool.view("tiny")!.restartCount === 1, 60_000);
  const [failure] = bed.pool.view("tiny")!.failures;
  match(failure!.reason, /was ended because its process has answered nothing for/);
  ok(!failure!.reason.includes("rpc backend"), failure!.reason);
  equal((await bed.use(wanted)).text, first.text);
});

localTest("a model that is too large is refused with the numbers, and nothing is started", {
  freeBytes: 20 * MIB,
}, async (bed) => {
  const wanted = await bed.model("tiny");
  await rejects(bed.acquire(wanted), (error: GatewayError) => {
    deepEqual([error.code, error.status], ["insufficient_memory", 507]);
    match(
      error.message,
      /^Cannot run "tiny:latest" whole on this host: needs \d+\.\d MiB with a context of \d × 4096/,
    );
    match(error.message, /it has 20\.0 MiB free; \d+\.\d MiB are missing\. It fits with a context of /);
    return true;
  });
  equal(bed.pool.view("tiny")!.state, "failed");
  deepEqual(bed.events.filter(({ type }) => type === "loading"), []);
});

localTest("another model makes the idle one go, by what that one gives back", {
  env: { SOLLOL_COORDINATOR_CONTEXT_SIZE: "32768" },
}, async (bed) => {
  const [tiny, other] = [await bed.model("tiny"), await bed.model("other", 2)];
  const first = await bed.use(tiny);
  const heldBytes = await readHeldMemory(first.pid);
  ok(heldBytes > 64 * MIB, `it holds ${heldBytes} B beside its weights`);
  const second = await bed.use(other);
  ok(second.text !== first.text, "two models said the same");
  ok(!isAlive(first.pid), "both run");
  const evicted = bed.events.flatMap((event) => event.type === "evicted" ? [event] : []);
  deepEqual(evicted.map(({ model, forModel }) => [model, forModel]), [["tiny:latest", "other:latest"]]);
  equal(bed.pool.view("tiny")!.state, "stopped");
});

localTest("another model waits for the one in use", {}, async (bed) => {
  const [tiny, other] = [await bed.model("tiny"), await bed.model("other", 2)];
  const lease = await bed.acquire(tiny);
  const waiting = bed.use(other);
  waiting.catch(() => {}); // told below
  const isWaiting = () => bed.pool.view("other")?.because.startsWith("waits for 1 request of") ?? false;
  await eventually("the other model waits", isWaiting);
  match(bed.pool.view("other")!.because, /"tiny:latest", which holds this host/);
  ok((await bed.chat(lease)).length > 0);
  lease[Symbol.dispose]();
  ok((await waiting).text.length > 0);
});

localTest(
  "one that would be started otherwise now ends when it is idle, and is started anew",
  {},
  async (bed) => {
    const wanted = await bed.model("tiny");
    const lease = await bed.acquire(wanted);
    bed.outdate();
    ok((await bed.chat(lease)).length > 0);
    const { pid } = lease.coordinator;
    equal(bed.pool.view("tiny")!.state, "draining");
    lease[Symbol.dispose]();
    await eventually("another one is ready", () => (bed.pool.ready("tiny")?.pid ?? pid) !== pid);
    ok(!isAlive(pid), "both run");
  },
);

localTest("nothing is left of a pool that is closed while a model loads", {}, async (bed) => {
  const refused = rejects(bed.acquire(await bed.model("tiny")), { code: "shutting_down" });
  await eventually("it loads", () => bed.pool.view("tiny")!.phase === "loading");
  await bed.pool.close();
  await refused;
});
