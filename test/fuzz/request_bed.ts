import { join } from "node:path";
import { FakeLlamaApi } from "../fakes/fake_llama_api.ts";
import { FakeOllamaNode } from "../fakes/fake_ollama_node.ts";
import { eventually } from "../e2e/eventually.ts";
import { figuresOf, type ProcessFigures } from "../e2e/process_figures.ts";
import { Sandbox } from "../e2e/sandbox.ts";

/** Names of the models that the gateway serves, by who has them. */
export const MODELS = { node: "llama3:8b", others: "ranker" } as const;
const NODE_NAME = "attic-node";
const COLLECTED_HEAP = /^collected, left are (\d+) MiB$/gm;

/** Keys of the gateway's own. */
export const KEYS = {
  client: "key-of-the-clients-5f1c",
  others: "key-of-the-coordinator-9d2e",
  node: "key-of-the-node-77ab",
  worker: "token-of-the-workers-31aa",
} as const;

/** What the gateway holds. */
export interface Footprint extends ProcessFigures {
  /** What a full collection has left on its heap and of its buffers, MiB. */
  readonly heapMib: number;
}

/** The whole gateway as a process of its own, over a fake node and a fake llama-server in this one. */
export class RequestBed implements AsyncDisposable {
  private constructor(
    readonly url: string,
    private readonly child: Deno.ChildProcess,
    private readonly logFile: string,
    private readonly node: FakeOllamaNode,
    private readonly stack: AsyncDisposableStack,
  ) {}

  static async open(): Promise<RequestBed> {
    await using stack = new AsyncDisposableStack();
    const sandbox = stack.use(await Sandbox.create());
    const node = stack.use(await FakeOllamaNode.start({ models: [{ name: MODELS.node }], parallel: 64 }));
    const llama = stack.use(new FakeLlamaApi({ model: MODELS.others, apiKey: KEYS.others }));
    const file = join(sandbox.directory, "config.yaml");
    await Deno.writeTextFile(file, JSON.stringify(configOf(node, llama, sandbox)));
    const logFile = join(sandbox.directory, "log");
    const child = new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" >"$LOG" 2>&1`, Deno.execPath(), ...argumentsOf(file)],
      env: { ...sandbox.env, LOG: logFile, DENO_V8_FLAGS: "--expose-gc" },
      clearEnv: true,
      cwd: sandbox.directory,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    stack.defer(async () => {
      end(child);
      await child.status;
    });
    const url = await listening(logFile);
    const bed = new RequestBed(url, child, logFile, node, stack.move());
    await eventually(
      "the node is up",
      async () => (await bed.#ask("/api/admin/nodes")).nodes[0]?.health === "up",
    );
    return bed;
  }

  /** Has again what requests may have taken away, and no longer what they have added. */
  async restore(): Promise<void> {
    this.node.addModel({ name: MODELS.node });
    const { nodes } = await this.#ask("/api/admin/nodes");
    for (const { name } of nodes) {
      if (name !== NODE_NAME) await this.#ask(`/api/admin/nodes/${encodeURIComponent(name)}`, "DELETE");
    }
    if (!nodes.some(({ name }: { name: string }) => name === NODE_NAME)) {
      await this.#ask("/api/admin/nodes", "POST", { url: this.node.url, name: NODE_NAME });
    }
    const { backends } = await this.#ask("/api/admin/rpc-backends");
    for (const { endpoint } of backends) {
      await this.#ask(`/api/admin/rpc-backends?endpoint=${encodeURIComponent(endpoint)}`, "DELETE");
    }
    const { data } = await this.#ask("/v1/files?limit=10000");
    for (const { id } of data ?? []) await this.#ask(`/v1/files/${id}`, "DELETE");
  }

  /** Requests that it says to have under way. */
  async inFlightCount(): Promise<number> {
    const { inFlightCount, waitingCount } = await this.#ask("/health");
    return inFlightCount + waitingCount + this.node.inFlight;
  }

  /** What the process holds now, without its garbage. */
  async footprint(): Promise<Footprint> {
    for (let round = 0; round < 2; round++) {
      const before = this.#collections().length;
      this.child.kill("SIGUSR2");
      await eventually("the garbage is collected", () => this.#collections().length > before, 20_000);
    }
    return { ...figuresOf(this.child.pid), heapMib: this.#collections().at(-1)! };
  }

  /** What each full collection has left, MiB. */
  #collections(): number[] {
    return [...Deno.readTextFileSync(this.logFile).matchAll(COLLECTED_HEAP)].map(([, mib]) => Number(mib));
  }

  /** Lines of the log that tell of bugs. */
  bugs(): string[] {
    const lines = Deno.readTextFileSync(this.logFile).split("\n");
    return lines.filter((line) => line.includes('"level":"error"') || /^(error|panic|thread ')/i.test(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }

  // deno-lint-ignore no-explicit-any
  async #ask(path: string, method?: string, body?: unknown): Promise<any> {
    const response = await fetch(this.url + path, {
      method: method ?? "GET",
      headers: { authorization: `Bearer ${KEYS.client}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return text === "" ? {} : JSON.parse(text);
  }
}

function argumentsOf(configFile: string): string[] {
  const preload = new URL("./collect_on_signal.ts", import.meta.url).pathname;
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const run = ["run", "--allow-all", "--no-check", `--preload=${preload}`, main];
  return [...run, "serve", "--config", configFile, "--listen", "127.0.0.1:0"];
}

function configOf(node: FakeOllamaNode, llama: FakeLlamaApi, sandbox: Sandbox): Record<string, unknown> {
  return {
    api_keys: [KEYS.client],
    worker_token: KEYS.worker,
    models: [sandbox.env["HOME"]],
    nodes: { local: false },
    ollama_nodes: [{ url: node.url, name: NODE_NAME, api_key: KEYS.node, slots: 64 }],
    coordinators: [{ url: llama.url, api_key: KEYS.others }],
  };
}

async function listening(logFile: string): Promise<string> {
  let url: string | undefined;
  await eventually("the gateway listens", () => {
    try {
      const line = /^.*"message":"listening".*$/m.exec(Deno.readTextFileSync(logFile))?.[0];
      if (line !== undefined) url = JSON.parse(line).url;
    } catch {
      // it has written nothing yet
    }
    return url !== undefined;
  }, 60_000);
  return url!;
}

function end(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // it has ended
  }
}
