import { ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { CoordinatorLaunch } from "../../lib/coordinator/launch.ts";
import { Coordinator } from "../../lib/coordinator/coordinator.ts";
import type { BackendFinding } from "../../lib/coordinator/diagnosis.ts";
import type { CoordinatorOptions } from "../../lib/coordinator/startup.ts";
import { buildTinyModel } from "../../lib/gguf/tiny_model.ts";
import { HttpClient, type HttpResponse } from "../../lib/http/client.ts";
import { silentLogger } from "../../lib/log.ts";
import { type PlanModel, weighModel } from "../../lib/planner/model_need.ts";
import { type Placement, planPlacement } from "../../lib/planner/placement.ts";
import type { PlanBackend } from "../../lib/planner/plan_input.ts";
import { ChildProcess } from "../../lib/process/child.ts";
import { parseEndpoint } from "../../lib/rpc/endpoint.ts";
import { probe } from "../../lib/rpc/probe.ts";
import { openGguf } from "../../lib/store/gguf_file.ts";
import { GIB } from "../../lib/units.ts";

/** Paths of the real programs. */
export interface RealPrograms {
  readonly llamaServer: string;
  readonly rpcServer: string;
}

/** A real rpc backend. */
export interface RealBackend extends AsyncDisposable {
  readonly endpoint: string;
  readonly process: ChildProcess;
}

/** Starts a real rpc backend on a free port of this loopback address and waits until it answers. */
export async function startBackend(rpcServer: string, hostname: string): Promise<RealBackend> {
  const port = freePort(hostname);
  const process = await ChildProcess.spawn({
    program: rpcServer,
    args: ["-H", hostname, "-p", String(port), "-t", "1"],
    ignoreSigpipe: true,
  });
  const endpoint = `${hostname}:${port}`;
  for (let tries = 0; tries < 200 && await verdictOf(endpoint) !== "up"; tries++) await delay(20);
  return { endpoint, process, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

async function verdictOf(endpoint: string): Promise<string> {
  return (await probe(parseEndpoint(endpoint), { timeoutMs: 500 })).verdict;
}

/** A port that nobody listens on now. */
export function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

/** Probes as the gateway does. */
export async function diagnose(endpoints: readonly string[]): Promise<BackendFinding[]> {
  return await Promise.all(endpoints.map(async (endpoint) => {
    const { verdict, reason } = await probe(parseEndpoint(endpoint), { timeoutMs: 250 });
    return { endpoint, verdict, reason };
  }));
}

/** A backend with one roomy CPU device, as the planner sees it. */
export function planBackend(endpoint: string, freeBytes = 8 * GIB): PlanBackend {
  const memory = { freeBytes, totalBytes: freeBytes, memoryKey: endpoint };
  return { endpoint, devices: [{ endpoint, deviceIndex: 0, kind: "cpu", ...memory }] };
}

/** A tiny model in a directory of its own, and all that a coordinator over real rpc backends needs. */
export class CoordinatorBed implements AsyncDisposable {
  readonly http = new HttpClient();

  private constructor(
    readonly programs: RealPrograms,
    readonly directory: string,
    readonly model: PlanModel,
    readonly backends: readonly RealBackend[],
    private readonly stack: AsyncDisposableStack,
  ) {}

  /** @param backendCount Backends on 127.0.0.2, .3, …. */
  static async create(programs: RealPrograms, backendCount: number): Promise<CoordinatorBed> {
    await using stack = new AsyncDisposableStack();
    const directory = await Deno.makeTempDir({ prefix: "coordinator-bed-" });
    stack.defer(() => Deno.remove(directory, { recursive: true }));
    await Deno.writeFile(`${directory}/tiny.gguf`, buildTinyModel());
    const { model } = await openGguf(`${directory}/tiny.gguf`);
    ok(model.kind === "model");
    const hosts = Array.from({ length: backendCount }, (_, index) => `127.0.0.${index + 2}`);
    const backends = await Promise.all(hosts.map((host) => startBackend(programs.rpcServer, host)));
    for (const backend of backends) stack.use(backend);
    const plan = weighModel("tiny", model, { contextSize: 4096, slotCount: 2, kvType: "f16" });
    return new CoordinatorBed(programs, directory, plan, backends, stack.move());
  }

  get endpoints(): string[] {
    return this.backends.map(({ endpoint }) => endpoint);
  }

  get modelPath(): string {
    return `${this.directory}/tiny.gguf`;
  }

  /** A plan with so many layers on each backend, the output layer counted as one. */
  plan(tensorSplit: readonly number[], endpoints: readonly string[] = this.endpoints): Placement {
    const last = tensorSplit.length - 1;
    const layers = tensorSplit.map((count, index) => [endpoints[index]!, index === last ? count - 1 : count]);
    const backends = endpoints.slice(0, tensorSplit.length).map((endpoint) => planBackend(endpoint));
    return planPlacement(this.model, backends, { strategy: { layers: Object.fromEntries(layers) } });
  }

  launch(placement: Placement | undefined, overrides: Partial<CoordinatorLaunch> = {}): CoordinatorLaunch {
    return {
      program: this.programs.llamaServer,
      model: "tiny",
      modelPath: this.modelPath,
      modelBytes: 2_600_000,
      placement,
      slotContextSize: 4096,
      slotCount: 2,
      threadCount: 1,
      runtimeDirectory: `${this.directory}/run`,
      ...overrides,
    };
  }

  start(launch: CoordinatorLaunch, overrides: Partial<CoordinatorOptions> = {}): Promise<Coordinator> {
    const { http } = this;
    const { signal } = new AbortController();
    return Coordinator.start(launch, { signal, logger: silentLogger, http, diagnose, ...overrides });
  }

  /** Sends a chat request. */
  chat(coordinator: Coordinator, body: Record<string, unknown>): Promise<HttpResponse> {
    return this.http.send(coordinator.address, {
      method: "POST",
      target: "/v1/chat/completions",
      headers: [["authorization", `Bearer ${coordinator.apiKey}`], ["content-type", "application/json"]],
      body: new TextEncoder().encode(JSON.stringify({ temperature: 0, ...body })),
    });
  }

  /** Pids of processes that were started for this bed's model. */
  pids(): number[] {
    return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
      try {
        return pid > 0 && Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes(this.directory);
      } catch {
        return false; // it ended while we looked
      }
    });
  }

  /** What is left in the runtime directory. */
  leftovers(): string[] {
    try {
      return [...Deno.readDirSync(`${this.directory}/run`)].map(({ name }) => name);
    } catch {
      return [];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.http[Symbol.dispose]();
    await this.stack.disposeAsync();
  }
}
