import { fileURLToPath } from "node:url";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import { parseUpstreamUrl } from "../../../lib/http/address.ts";
import { createLogger, type Logger } from "../../../lib/log.ts";
import { GatewayLink } from "../../../lib/worker/gateway_link.ts";
import { GpuWatch } from "../../../lib/worker/gpu_watch.ts";
import type { RpcServerLaunch } from "../../../lib/worker/rpc_server.ts";
import { Worker } from "../../../lib/worker/worker.ts";
import { freePort } from "../../fixtures/free_port.ts";
import { until as untilTrue } from "../../fixtures/until.ts";

const PROGRAM = fileURLToPath(new URL("../../fakes/fake_rpc_server_program.ts", import.meta.url));

/** A fake rpc server as a program, and a logger that keeps its lines. */
export class WorkerBed implements AsyncDisposable {
  readonly lines: Record<string, unknown>[] = [];
  readonly logger: Logger = createLogger({
    sink: (line) => this.lines.push(JSON.parse(line)),
    level: "debug",
  });

  private constructor(readonly directory: string) {}

  static async create(): Promise<WorkerBed> {
    const directory = await Deno.makeTempDir({ prefix: "worker-bed-" });
    const script =
      `#!/bin/sh\nexec '${Deno.execPath()}' run --quiet --allow-all --no-check '${PROGRAM}' "$@"\n`;
    await Deno.writeTextFile(`${directory}/ggml-rpc-server`, script, { mode: 0o755 });
    return new WorkerBed(directory);
  }

  launch(mode: string, overrides: Partial<RpcServerLaunch> = {}): RpcServerLaunch {
    return {
      program: `${this.directory}/ggml-rpc-server`,
      host: "127.0.0.1",
      port: freePort(),
      advertised: "127.0.0.1",
      devices: ["CPU"],
      threadCount: undefined,
      isCaching: false,
      env: { ...Deno.env.toObject(), FAKE_RPC_SERVER: mode },
      ...overrides,
    };
  }

  /** A worker with one rpc server, and what ends it. */
  async start(url: string, { token, clock }: { token?: string; clock?: Clock } = {}): Promise<RunningWorker> {
    const [stop, hurry] = [new AbortController(), new AbortController()];
    await using stack = new AsyncDisposableStack();
    const { address, basePath } = parseUpstreamUrl(url);
    const gateway = stack.use(new GatewayLink({ address, basePath, name: "shelf-2", token }));
    const gpus = stack.use(await GpuWatch.start([], { logger: this.logger, signal: stop.signal }));
    const parts = { name: "shelf-2", version: "0.1.0", build: "b1", gateway, gpus, logger: this.logger };
    const launch = this.launch("ok");
    const worker = stack.use(
      await Worker.start({ ...parts, launches: [launch], clock: clock ?? systemClock }, {
        signal: stop.signal,
      }),
    );
    const ended = worker.run({ signal: stop.signal, hurry: hurry.signal, drainMs: 20_000 });
    const owned = stack.move();
    const end = async () => {
      stop.abort();
      hurry.abort();
      await ended;
      await owned.disposeAsync();
    };
    return { stop, hurry, ended, launch, [Symbol.asyncDispose]: end };
  }

  logged(message: string): Record<string, unknown>[] {
    return this.lines.filter((line) => line["message"] === message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** Waits until it is true: a fake program takes a second to start on a machine that is busy. */
export function until(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  return untilTrue(isTrue, what, { withinMs: 10_000 });
}

export interface RunningWorker extends AsyncDisposable {
  readonly stop: AbortController;
  readonly hurry: AbortController;
  readonly ended: Promise<void>;
  readonly launch: RpcServerLaunch;
}

/** Waits that a person would notice take no time, and are written down. */
export class ImpatientClock implements Clock {
  readonly waitsMs: number[] = [];
  /** How far it is ahead of the host's. */
  aheadMs = 0;

  now(): number {
    return systemClock.now();
  }

  monotonic(): number {
    return systemClock.monotonic() + this.aheadMs;
  }

  async sleep(ms: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    if (ms >= 1_000) this.waitsMs.push(ms);
    await systemClock.sleep(ms >= 1_000 ? 1 : ms, options);
  }
}
