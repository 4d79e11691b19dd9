import { setTimeout as delay } from "node:timers/promises";
import { GatewayError } from "../errors.ts";
import { ChildProcess } from "../process/child.ts";
import { LineRing } from "../process/line_ring.ts";
import { type Endpoint, formatEndpoint } from "../rpc/endpoint.ts";
import { probe } from "../rpc/probe.ts";

/** Addresses that look like three hosts. Only Linux answers on all of 127/8 without being told to. */
const HOSTS = Deno.build.os === "linux"
  ? ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
  : Array<string>(3).fill("127.0.0.1");

const READY_TIMEOUT_MS = 20_000;

/** The demo's rpc backends: real `ggml-rpc-server` processes, ended by disposal. */
export class DemoBackends implements AsyncDisposable {
  private constructor(
    readonly endpoints: readonly Endpoint[],
    private readonly children: AsyncDisposableStack,
  ) {}

  /**
   * Starts them and waits until each answers.
   *
   * @throws {GatewayError} `backend_unreachable` with the server's last words, if one does not come up.
   */
  static async start(rpcServer: string, { signal }: { signal: AbortSignal }): Promise<DemoBackends> {
    await using children = new AsyncDisposableStack();
    const starting = HOSTS.map((host) => startBackend(rpcServer, host, children, signal));
    try {
      const endpoints = await Promise.all(starting);
      return new DemoBackends(endpoints, children.move());
    } finally {
      await Promise.allSettled(starting); // a child that is still being spawned must not escape
    }
  }

  /** Kills all of them and waits until they are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.children.disposeAsync();
  }
}

async function startBackend(
  program: string,
  host: string,
  children: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Endpoint> {
  const endpoint = { host, port: freePort(host) };
  const lastWords = new LineRing(5);
  const child = children.use(
    await ChildProcess.spawn({
      program,
      args: ["-H", host, "-p", String(endpoint.port), "-t", "1"],
      ignoreSigpipe: true, // else a coordinator that dies amid a computation takes it along
      onLine: (line) => lastWords.push(line),
    }),
  );
  const patience = AbortSignal.timeout(READY_TIMEOUT_MS);
  for (;;) {
    signal.throwIfAborted();
    const { verdict, reason } = await probe(endpoint, { signal });
    if (verdict === "up") return endpoint;
    if (!child.isAlive || patience.aborted) {
      const message = `The rpc backend at ${formatEndpoint(endpoint)} did not come up: ${reason}`;
      throw new GatewayError("backend_unreachable", `${message}. It said: ${lastWords.lines.join(" | ")}`);
    }
    await delay(20, undefined, { signal });
  }
}

/** A port that was free a moment ago; `ggml-rpc-server` cannot choose one itself. */
function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}
