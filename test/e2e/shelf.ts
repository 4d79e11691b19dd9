import { ChildProcess } from "../../lib/process/child.ts";
import { freePort } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";

/** A real rpc backend that can be lost and come back at the same address, as a machine does that was switched off. */
export class ShelfBackend implements AsyncDisposable {
  #process: ChildProcess | undefined;

  private constructor(private readonly rpcServer: string, readonly endpoint: string) {}

  /** Starts it on a free port of this loopback address and waits until it listens. */
  static async start(rpcServer: string, hostname: string): Promise<ShelfBackend> {
    const backend = new ShelfBackend(rpcServer, `${hostname}:${freePort(hostname)}`);
    await backend.revive();
    return backend;
  }

  /** Ends as a power cut ends it. */
  async kill(): Promise<void> {
    this.#process!.signal("SIGKILL");
    await this.#process!.exited;
  }

  /** Says nothing any more, as a machine that swaps itself to death. */
  freeze(): void {
    this.#process!.signal("SIGSTOP");
  }

  /** Goes on where it was frozen. */
  thaw(): void {
    this.#process!.signal("SIGCONT");
  }

  /** Starts it again where it was; nothing if it runs. */
  async revive(): Promise<void> {
    if (this.#process?.isAlive) return;
    const [host, port] = this.endpoint.split(":") as [string, string];
    this.#process = await ChildProcess.spawn({
      program: this.rpcServer,
      args: ["-H", host, "-p", port, "-t", "1"],
      ignoreSigpipe: true,
    });
    await eventually(`somebody listens at ${this.endpoint}`, () => isListening(host, Number(port)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
  }
}

/** So many of them, on 127.0.0.2, .3, … */
export async function startShelf(
  rpcServer: string,
  count: number,
  stack: AsyncDisposableStack,
): Promise<ShelfBackend[]> {
  const hosts = Array.from({ length: count }, (_, index) => `127.0.0.${index + 2}`);
  const backends = await Promise.all(hosts.map((host) => ShelfBackend.start(rpcServer, host)));
  for (const backend of backends) stack.use(backend);
  return backends;
}

/** Asks the kernel: a connection of ours would be one more client in a queue of one. */
async function isListening(host: string, port: number): Promise<boolean> {
  const address = host.split(".").toReversed().map((part) => hex(Number(part), 2)).join("");
  const listener = ` ${address}:${hex(port, 4)} 00000000:0000 0A `;
  return (await Deno.readTextFile("/proc/net/tcp")).includes(listener);
}

function hex(value: number, digitCount: number): string {
  return value.toString(16).toUpperCase().padStart(digitCount, "0");
}
