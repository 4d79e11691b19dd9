import { backOffMs } from "../back_off.ts";
import { type Clock, systemClock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { ChildProcess } from "../process/child.ts";
import type { ChildExit } from "../process/child_exit.ts";
import { LineRing } from "../process/line_ring.ts";
import { formatEndpoint } from "../rpc/endpoint.ts";
import {
  COUNT_LIKE_DRIVER,
  type GgmlDevice,
  NO_BANNER,
  readBannerLine,
  type RpcBanner,
} from "../llama_cpp/ggml_devices.ts";
import { assertPortFree } from "./port_check.ts";
import { readTcpSockets } from "./tcp_sockets.ts";
import { clientsOf, listenerAt } from "../net/tcp_table.ts";

/** What one rpc server runs as. */
export interface RpcServerLaunch {
  /** Path of `ggml-rpc-server`. */
  readonly program: string;
  /** IPv4 address that it binds. */
  readonly host: string;
  /** Its TCP port. */
  readonly port: number;
  /** What the gateway connects to; see `chooseBindAddress`. */
  readonly advertised: string;
  /** Devices that it exposes; empty for all GPUs, or the CPU where there is none. */
  readonly devices: readonly string[];
  /** Threads of its CPU device; `undefined` for half of the processors. */
  readonly threadCount: number | undefined;
  /** Whether it keeps large weights on disk, so that the next load need not send them. */
  readonly isCaching: boolean;
  /** Its whole environment; {@linkcode COUNT_LIKE_DRIVER} is added unless it says otherwise. */
  readonly env: Readonly<Record<string, string>>;
}

/** What an {@linkcode RpcServer} needs beside its launch. */
export interface RpcServerOptions {
  /** Hears of each start and end. */
  readonly logger: Logger;
  /** Called after each of them; must not throw. */
  readonly onChange?: () => void;
  /** Times restarts. Default: the host's. */
  readonly clock?: Clock;
  /** How long one start may take, ms. Default 60 s: a first look at a GPU compiles its kernels. */
  readonly readyTimeoutMs?: number;
}

/** Who lived so long did not die of its start. */
const GOOD_LIFE_MS = 60_000;
const POLL_MS = 20;

/**
 * A `ggml-rpc-server` that is kept running: it is started with SIGPIPE ignored, and again whenever it ends, whatever
 * its exit code, which is 0 even when its port is in use. Disposal ends it.
 */
export class RpcServer implements AsyncDisposable {
  readonly #options: Required<RpcServerOptions>;
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #banner: RpcBanner = NO_BANNER;
  #isRunning = false;
  #restartCount = 0;
  #isRestartWanted = false;
  #supervision: Promise<void> = Promise.resolve();

  private constructor(readonly launch: RpcServerLaunch, options: RpcServerOptions) {
    const logger = options.logger.child({ endpoint: this.endpoint });
    this.#options = { clock: systemClock, readyTimeoutMs: 60_000, onChange: () => {}, ...options, logger };
  }

  /**
   * Starts it, and resolves when it listens.
   *
   * @throws {GatewayError} `conflict` if its port is in use, `backend_unreachable` if it does not come up: restarts
   * would not help. The signal's reason on abort.
   */
  static async start(
    launch: RpcServerLaunch,
    { signal, ...options }: RpcServerOptions & { signal: AbortSignal },
  ): Promise<RpcServer> {
    const server = new RpcServer(launch, options);
    const child = await server.#bringUp(signal);
    server.#supervision = server.#supervise(child);
    return server;
  }

  /** `host:port` at which the gateway reaches it. */
  get endpoint(): string {
    return formatEndpoint({ host: this.launch.advertised, port: this.launch.port });
  }

  /** Whether it listens now. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** How often it had to be started again. */
  get restartCount(): number {
    return this.#restartCount;
  }

  /** What it exposes, as it said when it started last. */
  get devices(): readonly GgmlDevice[] {
    return this.#banner.devices;
  }

  /** Version of the rpc protocol that it speaks, if it said one. */
  get protocol(): string | undefined {
    return this.#banner.protocol;
  }

  /** Process id of the server; `undefined` while it is not running. */
  get pid(): number | undefined {
    return this.#isRunning ? this.#child?.pid : undefined;
  }

  /** `address:port` of the clients that are connected to it, from the kernel's table. It is not touched for that. */
  async readClients(): Promise<string[]> {
    const { host, port } = this.launch;
    return clientsOf(await readTcpSockets(port) ?? [], host);
  }

  /**
   * Ends it, and has it started again at once, if it serves these clients and nobody else: they are gone without its
   * knowing, and it would wait for them for ever.
   */
  async restartWithout(vanished: readonly string[]): Promise<void> {
    const child = this.#child;
    const clients = await this.readClients();
    const isStuck = clients.length > 0 && clients.every((client) => vanished.includes(client));
    if (!isStuck || !child || child !== this.#child || !this.#isRunning || this.#stopping.signal.aborted) {
      return;
    }
    this.#options.logger.warn("rpc server waits for a client that is gone", { clients });
    this.#isRestartWanted = true;
    await child.stop();
  }

  /** Ends it and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#child?.stop();
    await this.#supervision;
  }

  async #supervise(first: ChildProcess): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stopping;
    let child: ChildProcess | undefined = first;
    let failureCount = 0;
    while (!signal.aborted) {
      const bornMs = clock.monotonic();
      if (child) await this.#outlive(child);
      if (signal.aborted) return;
      if (child && clock.monotonic() - bornMs >= GOOD_LIFE_MS) failureCount = 0;
      if (!this.#isRestartWanted) {
        await clock.sleep(backOffMs(++failureCount), { signal }).catch(() => {});
        if (signal.aborted) return;
      }
      this.#isRestartWanted = false;
      this.#restartCount++;
      child = await this.#bringUp(signal).catch((error) => {
        const retryMs = backOffMs(failureCount + 1);
        if (!signal.aborted) logger.error("rpc server does not start", { error, retryMs });
        return undefined;
      });
    }
  }

  async #outlive(child: ChildProcess): Promise<void> {
    const { sentence } = await child.exited;
    this.#isRunning = false;
    if (this.#stopping.signal.aborted) return;
    this.#options.logger.warn("rpc server ended", { reason: `ggml-rpc-server ${sentence}` });
    this.#options.onChange();
  }

  async #bringUp(signal: AbortSignal): Promise<ChildProcess> {
    const { logger, onChange } = this.#options;
    await assertPortFree(this.launch);
    signal.throwIfAborted();
    const lastWords = new LineRing(4);
    let said = NO_BANNER;
    const child = this.#child = await ChildProcess.spawn({
      ...commandOf(this.launch),
      ignoreSigpipe: true, // else a coordinator that dies amid a computation takes it along
      onLine: (line) => {
        lastWords.push(line);
        logger.debug("rpc server says", { line });
        said = readBannerLine(said, line);
      },
    });
    await using startup = new AsyncDisposableStack();
    startup.use(child);
    await this.#untilListening(child, () => said, lastWords, signal);
    signal.throwIfAborted();
    this.#banner = said;
    this.#isRunning = true;
    logger.info("rpc server listens", { pid: child.pid, devices: said.devices.map(({ name }) => name) });
    onChange();
    startup.move();
    return child;
  }

  /** It says nothing when it listens, but the kernel does. A client may come at once, so it is not probed. */
  async #untilListening(
    child: ChildProcess,
    banner: () => RpcBanner,
    lastWords: LineRing,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, readyTimeoutMs } = this.#options;
    const { host, port } = this.launch;
    const startMs = clock.monotonic();
    for (;;) {
      if (!child.isAlive) throw this.#failure(await child.exited, lastWords);
      if (banner().devices.length > 0) {
        const sockets = await readTcpSockets(port);
        if (sockets ? listenerAt(sockets, host) : banner().isComplete) return;
      }
      if (clock.monotonic() - startMs > readyTimeoutMs) throw this.#failure(undefined, lastWords);
      await clock.sleep(POLL_MS, { signal });
    }
  }

  #failure(exit: ChildExit | undefined, lastWords: LineRing): GatewayError {
    const end = exit?.sentence ?? `did not listen within ${this.#options.readyTimeoutMs} ms`;
    return new GatewayError(
      "backend_unreachable",
      `Cannot run ${this.launch.program} at ${formatEndpoint(this.launch)}: it ${end}. ` +
        `It said: ${lastWords.lines.map((line) => line.trim()).join(" | ").slice(-600) || "nothing"}`,
    );
  }
}

function commandOf({ program, host, port, devices, threadCount, isCaching, env }: RpcServerLaunch) {
  return {
    program,
    args: [
      "-H",
      host,
      "-p",
      String(port),
      ...(devices.length > 0 ? ["-d", devices.join(",")] : []),
      ...(threadCount === undefined ? [] : ["-t", String(threadCount)]),
      ...(isCaching ? ["-c"] : []),
    ],
    env: { ...COUNT_LIKE_DRIVER, ...env },
  };
}
