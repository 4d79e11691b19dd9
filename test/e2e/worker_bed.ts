import { equal, fail } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { BackendHealth, BackendView } from "../../lib/rpc/backend.ts";
import { freePort } from "../fixtures/free_port.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { Program } from "./program.ts";
import type { Sandbox } from "./sandbox.ts";

/** How often a backend's health is looked at. */
const POLL_MS = 100;

/** How a {@linkcode RealWorker} is started. */
export interface RealWorkerOptions {
  readonly gatewayUrl: string;
  readonly name: string;
  /** Default: without one. */
  readonly token?: string;
  /** What comes before its command, see {@linkcode Program.start}. */
  readonly through?: readonly string[];
  /** Address of its rpc server, which it finds by itself. Default `127.0.0.1`. */
  readonly address?: string;
}

/** `sollol worker` with a real ggml-rpc-server. */
export class RealWorker implements AsyncDisposable {
  private constructor(
    readonly program: Program,
    readonly endpoint: string,
    /** Process id of the rpc server that it started first. */
    readonly serverPid: number,
  ) {}

  /** Starts one, and waits until its rpc server listens. */
  static async start(
    sandbox: Sandbox,
    { rpcServer }: RealPrograms,
    options: RealWorkerOptions,
  ): Promise<RealWorker> {
    const { gatewayUrl, name, token, through = [], address = "127.0.0.1" } = options;
    const port = freePort();
    const args = [
      "worker",
      "--gateway",
      gatewayUrl,
      "--name",
      name,
      "--port",
      String(port),
      "--threads",
      "1",
    ];
    const env = token === undefined ? {} : { SOLLOL_WORKER_TOKEN: token };
    const program = Program.start(sandbox, [...args, "--rpc-server", rpcServer], { through, env });
    try {
      const { pid, endpoint } = await program.untilLogged("rpc server listens");
      equal(endpoint, `${address}:${port}`);
      return new RealWorker(program, `${address}:${port}`, Number(pid));
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** How often its rpc server was started. */
  get startCount(): number {
    return this.program.logged("rpc server listens").length;
  }

  /** Ends it in order, and fails unless that is how it ended. */
  async stop(): Promise<void> {
    await this.program.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}

/** All that a gateway says of its rpc backends. */
export async function listBackends(gatewayUrl: string): Promise<BackendView[]> {
  const { rpcBackends } = await (await fetch(`${gatewayUrl}/health`)).json();
  return rpcBackends;
}

/** Waits until a gateway says that a backend is so, and returns what it says then. */
export async function untilHealth(
  gatewayUrl: string,
  endpoint: string,
  health: BackendHealth,
  withinMs: number,
): Promise<BackendView> {
  const startMs = performance.now();
  for (;;) {
    const view = (await listBackends(gatewayUrl)).find((backend) => backend.endpoint === endpoint);
    const tookMs = performance.now() - startMs;
    if (view?.health === health && tookMs <= withinMs) return view;
    if (tookMs > withinMs) {
      fail(`${endpoint} was not ${health} within ${withinMs} ms, but ${JSON.stringify(view)}`);
    }
    await delay(POLL_MS);
  }
}
