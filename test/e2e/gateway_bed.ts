import { deepEqual, fail, ok } from "node:assert/strict";
import { join } from "node:path";
import type { CoordinatorReport } from "../../lib/coordinator_admin.ts";
import { buildTinyModel, type TinyModelOptions } from "../../lib/gguf/tiny_model.ts";
import type { VerifiedPlacement } from "../../lib/coordinator/placement_check.ts";
import type { GatewayHealth } from "../../lib/gateway.ts";
import { OllamaStoreFixture } from "../fixtures/ollama_store.ts";
import { type RealBackend, type RealPrograms, startBackend } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { type LogRecord, Program, type ProgramOptions } from "./program.ts";
import { Sandbox } from "./sandbox.ts";

/** What a {@linkcode GatewayBed} holds. */
export interface GatewayBedOptions {
  /** Real rpc backends, on 127.0.0.2, .3, …. Default 3. */
  readonly backendCount?: number;
  /** Tiny models in the store, each with weights of its own. Default `["tiny"]`. */
  readonly models?: readonly string[];
  /** Of each of these models. Default: the tiny model's own. */
  readonly shape?: TinyModelOptions;
}

/** A shelf: rpc backends in processes of their own, an Ollama store, and a config file that names them. */
export class GatewayBed implements AsyncDisposable {
  private constructor(
    readonly sandbox: Sandbox,
    readonly store: OllamaStoreFixture,
    readonly backends: readonly RealBackend[],
    private readonly programs: RealPrograms,
    private readonly stack: AsyncDisposableStack,
  ) {}

  static async create(programs: RealPrograms, options: GatewayBedOptions = {}): Promise<GatewayBed> {
    const { backendCount = 3, models = ["tiny"], shape = {} } = options;
    await using stack = new AsyncDisposableStack();
    const sandbox = stack.use(await Sandbox.create());
    const store = stack.use(await OllamaStoreFixture.create());
    for (const [index, name] of models.entries()) {
      await store.addModel(name, buildTinyModel({ ...shape, name, seed: index + 1 }));
    }
    const hosts = Array.from({ length: backendCount }, (_, index) => `127.0.0.${index + 2}`);
    const backends = await Promise.all(hosts.map((host) => startBackend(programs.rpcServer, host)));
    for (const backend of backends) stack.use(backend);
    return new GatewayBed(sandbox, store, backends, programs, stack.move());
  }

  get endpoints(): string[] {
    return this.backends.map(({ endpoint }) => endpoint);
  }

  /** Kills a backend as a power cut does, and waits until it is dead. */
  async killBackend(index: number): Promise<string> {
    const { endpoint, process } = this.backends[index]!;
    process.signal("SIGKILL");
    await process.exited;
    return endpoint;
  }

  /** Starts `sollol serve` on a free port over these backends. */
  async serve(options: ServeOptions = {}): Promise<ServedGateway> {
    const program = Program.start(this.sandbox, await this.serveArgs(options), options);
    try {
      const { url } = await program.untilLogged("listening");
      return new ServedGateway(program, url as string);
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The arguments of `sollol serve`, whose config file is written. */
  async serveArgs(
    { args = [], rpcBackends = this.endpoints, limits = {}, settings = {} }: ServeOptions = {},
  ): Promise<string[]> {
    const config = join(this.sandbox.directory, "config.yaml");
    await Deno.writeTextFile(config, configFile(rpcBackends, limits, this.programs));
    const models = ["--models", this.store.directory];
    const set = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    return ["serve", "--config", config, "--listen", "127.0.0.1:0", ...models, ...set, ...args];
  }

  /** Fails if a process or a temporary file of a gateway is left. */
  async assertNothingLeft(): Promise<void> {
    await this.sandbox.assertEmpty();
  }

  /** Fails unless exactly these backends still run. */
  assertAlive(indexes: readonly number[]): void {
    const alive = [...this.backends.keys()].filter((index) => this.backends[index]!.process.isAlive);
    deepEqual(alive, indexes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

/** What differs from one `sollol serve` to another. */
export interface ServeOptions extends ProgramOptions {
  /** More arguments. */
  readonly args?: readonly string[];
  /** Instead of the bed's own. */
  readonly rpcBackends?: readonly string[];
  /** By endpoint, as it is written in the config file: `memory: 1MiB`. */
  readonly limits?: Readonly<Record<string, string>>;
  /** Keys of the configuration and their values as `--set` takes them: `{"pool.idle_ttl": "1s"}`. */
  readonly settings?: Settings;
}

/** Keys of the configuration and their values, as `--set` takes them. */
export type Settings = Readonly<Record<string, string | number | boolean>>;

/** Written as the users of earlier programs wrote it. */
function configFile(
  endpoints: readonly string[],
  limits: Readonly<Record<string, string>>,
  { llamaServer }: RealPrograms,
): string {
  const backends = endpoints.map((endpoint) => {
    const [host, port] = endpoint.split(":");
    const limit = limits[endpoint] === undefined ? "" : `, ${limits[endpoint]}`;
    return `  - { host: ${host}, port: ${port}${limit} }\n`;
  });
  return [
    "model_sharding_enabled: true\n",
    `rpc_backends:${backends.length > 0 ? "\n" : " []\n"}${backends.join("")}`,
    `llama_cpp: { llama_server: ${llamaServer} }\n`,
    "coordinator: { threads: 1, cache_ram: 0, slots: 4, placement: even }\n",
  ].join("");
}

/** A gateway that listens. */
export class ServedGateway implements AsyncDisposable {
  constructor(readonly program: Program, readonly url: string) {}

  /** `GET /health`. */
  async health(): Promise<GatewayHealth> {
    return await (await fetch(`${this.url}/health`)).json();
  }

  /** `GET /api/admin/coordinators`. */
  async coordinators(): Promise<CoordinatorReport[]> {
    const { coordinators } = await (await fetch(`${this.url}/api/admin/coordinators`)).json();
    return coordinators;
  }

  /** What is known of the coordinator of a model, which was asked for before. */
  async coordinatorOf(model: string): Promise<CoordinatorReport> {
    const found = (await this.coordinators()).find((one) => one.key.endsWith(`/${model}:latest`));
    return found ?? fail(`there is no coordinator of ${model}`);
  }

  /** `POST /api/admin/models/unload`, and waits until its process is gone. */
  async unload(model: string): Promise<void> {
    const response = await fetch(`${this.url}/api/admin/models/unload`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model }),
    });
    const said = await response.text();
    ok(response.ok, `${response.status}: ${said}`);
    await eventually(
      `${model} is unloaded`,
      async () => (await this.coordinatorOf(model)).state === "stopped",
    );
  }

  /** Waits until every rpc backend is known to be free, or is held by a coordinator of this gateway. */
  async untilBackendsAreUp(): Promise<void> {
    await eventually("all rpc backends are up", async () => {
      const { rpcBackends } = await this.health();
      return rpcBackends.every(({ health, holder }) => health === "up" || holder !== undefined);
    }, 60_000);
  }

  /** Where the layers of the coordinator are that runs first in the list. @throws If none is ready. */
  async placement(): Promise<VerifiedPlacement> {
    const { coordinators } = await this.health();
    return coordinators[0]?.placement ?? fail("no coordinator is ready");
  }

  /** Process id of the first coordinator that became ready. */
  async coordinatorPid(): Promise<number> {
    return (await this.program.untilLogged("coordinator ready"))["pid"] as number;
  }

  /** A line for each coordinator that became ready. Whole once the gateway has stopped: it writes its log behind. */
  get loads(): LogRecord[] {
    return this.program.logged("coordinator ready");
  }

  /** Asks for an orderly end, and fails unless it is one. */
  async stop(): Promise<void> {
    await this.program.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}
