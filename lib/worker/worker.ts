import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import type { Logger } from "../log.ts";
import type { WorkerReply, WorkerReport } from "../rpc/worker_report.ts";
import type { GatewayLink } from "./gateway_link.ts";
import type { GpuWatch } from "./gpu_watch.ts";
import { Heartbeat } from "./heartbeat.ts";
import { readHostFigures } from "./host_figures.ts";
import { buildReport } from "./report.ts";
import { RpcServer, type RpcServerLaunch } from "./rpc_server.ts";
import { VanishedClients } from "./vanished_clients.ts";

/** What a {@linkcode Worker} is made of. */
export interface WorkerOptions {
  /** Of this machine, for people. */
  readonly name: string;
  /** Of this program. */
  readonly version: string;
  /** Of llama.cpp, such as `b11669`; `undefined` if unknown. */
  readonly build: string | undefined;
  /** Whom it reports to. Not disposed here. */
  readonly gateway: GatewayLink;
  /** What it knows of the GPUs. Not disposed here. */
  readonly gpus: GpuWatch;
  /** Its rpc servers. */
  readonly launches: readonly RpcServerLaunch[];
  /** Hears of each change. */
  readonly logger: Logger;
  /** Times beats and restarts. Default: the host's. */
  readonly clock?: Clock;
}

/** How a worker ends. */
export interface WorkerEnd {
  /** Aborts when it is to end in order. */
  readonly signal: AbortSignal;
  /** Aborts when it is not to wait any more. */
  readonly hurry: AbortSignal;
  /** How long coordinators may go on using its rpc servers after `signal`, ms. */
  readonly drainMs: number;
}

/** How often a draining worker asks whether it is still in use. */
const DRAIN_POLL_MS = 500;

/** Rpc servers of this machine, kept running and reported to a gateway. Disposal ends them. */
export class Worker implements AsyncDisposable {
  readonly #heartbeat: Heartbeat;
  readonly #clock: Clock;
  readonly #vanished = new VanishedClients();
  readonly #stack = new AsyncDisposableStack();
  #servers: readonly RpcServer[] = [];
  #isDraining = false;
  #lastReply: { readonly reply: WorkerReply; readonly heardMs: number } | undefined;

  private constructor(private readonly options: WorkerOptions) {
    this.#clock = options.clock ?? systemClock;
    const { gateway, logger } = options;
    this.#heartbeat = new Heartbeat({
      gateway,
      logger,
      clock: this.#clock,
      buildReport: () => this.report(),
      onReply: (reply) => this.#heard(reply),
    });
  }

  /**
   * Starts all rpc servers, and resolves when each of them listens.
   *
   * @throws {GatewayError} If one does not come up; none is left running then. The signal's reason on abort.
   */
  static async start(options: WorkerOptions, { signal }: { signal: AbortSignal }): Promise<Worker> {
    const worker = new Worker(options);
    await using startup = new AsyncDisposableStack();
    startup.use(worker);
    await worker.#startServers(signal);
    startup.move();
    return worker;
  }

  /**
   * Reports to the gateway until it is told to end; then waits, for a while, until no coordinator uses its rpc
   * servers, ends them, and takes its leave.
   */
  async run({ signal, hurry, drainMs }: WorkerEnd): Promise<void> {
    await this.#heartbeat.run({ signal });
    const isReached = await this.#drain(hurry, drainMs);
    await this[Symbol.asyncDispose]();
    if (isReached) await this.options.gateway.leave({ signal: NEVER });
  }

  /** What the gateway would be told now. */
  async report(): Promise<WorkerReport> {
    const { name, version, build, gpus } = this.options;
    const [host, clients] = await Promise.all([
      readHostFigures(),
      Promise.all(this.#servers.map((server) => server.readClients())),
    ]);
    return buildReport({
      name,
      version,
      build,
      isDraining: this.#isDraining,
      host,
      gpus: gpus.gpus,
      servers: this.#servers.map((server, index) => {
        const { endpoint, isRunning, restartCount, protocol, devices } = server;
        return { endpoint, isRunning, restartCount, protocol, devices, clients: clients[index]! };
      }),
    });
  }

  /** Ends the rpc servers and waits until they are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #startServers(signal: AbortSignal): Promise<void> {
    const { launches, logger } = this.options;
    const failed = new AbortController();
    const options = {
      logger,
      clock: this.#clock,
      onChange: () => this.#heartbeat.nudge(),
      signal: AbortSignal.any([signal, failed.signal]),
    };
    const starting = launches.map(async (launch) => {
      try {
        return this.#stack.use(await RpcServer.start(launch, options));
      } catch (error) {
        failed.abort(error); // the others need not come up any more
        throw error;
      }
    });
    await Promise.allSettled(starting); // one that still comes up must not escape
    this.#servers = await Promise.all(starting);
  }

  #heard(reply: WorkerReply): void {
    this.#lastReply = { reply, heardMs: this.#clock.monotonic() };
    this.#freeServers(reply);
  }

  #freeServers(reply: WorkerReply): void {
    const vanished = this.#vanished.confirm(reply);
    for (const server of this.#servers) {
      const clients = vanished.get(server.endpoint);
      if (clients) void server.restartWithout(clients);
    }
  }

  /** @returns Whether the gateway answered to the end: if not, nobody waits for our leave. */
  async #drain(hurry: AbortSignal, drainMs: number): Promise<boolean> {
    const { logger } = this.options;
    this.#isDraining = true;
    using deadline = new Deadline(this.#clock, drainMs, { signal: hurry });
    let usedBy = "";
    while (!deadline.signal.aborted) {
      const outcome = await this.#heartbeat.beat({ signal: deadline.signal }).catch((error) => {
        if (!deadline.signal.aborted) throw error;
      });
      if (outcome && outcome.kind !== "accepted" && !this.#mayBeInUse()) return false;
      if (outcome?.kind === "accepted") {
        const inUse = describeUse(outcome.reply);
        if (inUse === "") return true;
        if (inUse !== usedBy) logger.info("waits for coordinators", { inUse });
        usedBy = inUse;
      }
      await this.#clock.sleep(DRAIN_POLL_MS, { signal: deadline.signal }).catch(() => {});
    }
    if (usedBy !== "") logger.warn("ends while in use", { inUse: usedBy });
    return true;
  }

  /** By the gateway's last word, which counts until its patience with us is over: then it has given our servers up. */
  #mayBeInUse(): boolean {
    if (!this.#lastReply) return false;
    const { reply, heardMs } = this.#lastReply;
    return reply.in_use.length > 0 && this.#clock.monotonic() - heardMs <= reply.timeout_ms;
  }
}

const NEVER = new AbortController().signal;

function describeUse({ in_use }: WorkerReply): string {
  return in_use.map(({ endpoint, holder }) => `${endpoint} by ${holder}`).join(", ");
}
