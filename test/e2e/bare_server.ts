import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { HttpClient } from "../../lib/http/client.ts";
import { ChildProcess } from "../../lib/process/child.ts";

/**
 * A llama-server as one would start it by hand: with the arguments and the environment of a coordinator that runs, but
 * over other rpc backends, and watched by nobody.
 */
export class BareServer implements AsyncDisposable {
  readonly #http = new HttpClient();
  #child: ChildProcess | undefined;

  private constructor(
    private readonly args: readonly string[],
    private readonly env: Readonly<Record<string, string>>,
    private readonly socketPath: string,
  ) {}

  /**
   * Reads how a coordinator was started; starts nothing yet.
   *
   * @param endpoints As many as it uses, instead of its own.
   * @param directory For its socket.
   */
  static async copyOf(pid: number, endpoints: readonly string[], directory: string): Promise<BareServer> {
    const args = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).split("\0").slice(0, -1);
    const environ = (await Deno.readTextFile(`/proc/${pid}/environ`)).split("\0").slice(0, -1);
    const env = Object.fromEntries(environ.map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
    const socketPath = join(directory, `bare-${pid}.sock`);
    args[args.indexOf("--host") + 1] = socketPath;
    args[args.indexOf("--rpc") + 1] = endpoints.join(",");
    return new BareServer(args, { ...env, TMPDIR: directory }, socketPath); // it is none of the gateway's processes
  }

  /** Starts it and waits until it is healthy. */
  async start(): Promise<void> {
    const [program, ...args] = this.args as [string, ...string[]];
    await Deno.remove(this.socketPath).catch(() => {}); // a stale one keeps it from starting
    this.#child = await ChildProcess.spawn({ program, args, env: this.env });
    while (!await this.#isHealthy()) {
      if (!this.#child.isAlive) throw new Error(`the bare llama-server ended: ${args.join(" ")}`);
      await delay(2);
    }
  }

  /** Has it say one token. */
  async answer(): Promise<void> {
    const request = { max_tokens: 1, messages: [{ role: "user", content: "Tell me about the shelf" }] };
    const { status, body } = await this.#http.send({ transport: "unix", path: this.socketPath }, {
      method: "POST",
      target: "/v1/chat/completions",
      headers: [["content-type", "application/json"], [
        "authorization",
        `Bearer ${this.env["LLAMA_API_KEY"]}`,
      ]],
      body: new TextEncoder().encode(JSON.stringify(request)),
      fresh: true,
    });
    await body.bytes(1_000_000);
    if (status !== 200) throw new Error(`the bare llama-server answered ${status}`);
  }

  /** Asks it to end and waits until it has. */
  async stop(): Promise<void> {
    await this.#child?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http[Symbol.dispose]();
    await this.#child?.[Symbol.asyncDispose]();
  }

  async #isHealthy(): Promise<boolean> {
    try {
      const { status, body } = await this.#http.send({ transport: "unix", path: this.socketPath }, {
        method: "GET",
        target: "/health",
        fresh: true,
      });
      await body.bytes(10_000);
      return status === 200;
    } catch {
      return false;
    }
  }
}
