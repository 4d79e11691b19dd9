import { ChildProcess } from "../../lib/process/child.ts";
import { parseEndpoint } from "../../lib/rpc/endpoint.ts";
import { probe } from "../../lib/rpc/probe.ts";
import { freePort } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";

/** A real rpc backend that tells how many clients it has accepted. */
export class CountedBackend implements AsyncDisposable {
  /** Connections that it has accepted, probes included: each of those makes two. */
  acceptedCount = 0;
  #process: ChildProcess | undefined;

  private constructor(readonly endpoint: string) {}

  /** Starts it on a free port of this loopback address and waits until it answers. */
  static async start(rpcServer: string, hostname: string): Promise<CountedBackend> {
    const port = freePort(hostname);
    const backend = new CountedBackend(`${hostname}:${port}`);
    backend.#process = await ChildProcess.spawn({
      program: rpcServer,
      args: ["-H", hostname, "-p", String(port), "-t", "1"],
      ignoreSigpipe: true,
      onLine: (line) => {
        if (line.startsWith("Accepted client connection")) backend.acceptedCount++;
      },
    });
    await eventually(`${backend.endpoint} answers`, () => backend.answers());
    return backend;
  }

  /** Whether it runs still. */
  get isAlive(): boolean {
    return this.#process!.isAlive;
  }

  /** Whether a probe finds it free and sound. */
  async answers(): Promise<boolean> {
    return (await probe(parseEndpoint(this.endpoint), { timeoutMs: 500 })).verdict === "up";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
  }
}
