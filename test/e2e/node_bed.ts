import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import type { NodeView } from "../../lib/nodes/node.ts";
import type { FakeOllamaOptions } from "../fakes/fake_ollama_node.ts";
import { eventually } from "./eventually.ts";
import { ServedGateway } from "./gateway_bed.ts";
import { NodeProcess } from "./node_process.ts";
import { Program, type ProgramOptions } from "./program.ts";
import { Sandbox } from "./sandbox.ts";

/** A node as a config file names it. */
export interface NodeEntry {
  readonly url: string;
  readonly name?: string;
  readonly [key: string]: unknown;
}

/** Names of the nodes of a {@linkcode NodeBed}. */
export const NODE_NAMES = ["alpha", "beta", "gamma", "delta"] as const;

/** A gateway over Ollama nodes and nothing else: no rpc backend, no model of its own, and never this machine's Ollama. */
export class NodeBed implements AsyncDisposable {
  private constructor(
    readonly sandbox: Sandbox,
    /** In processes of their own, on 127.0.0.2, .3, … */
    readonly nodes: readonly NodeProcess[],
    private readonly stack: AsyncDisposableStack,
  ) {}

  /** @param nodes What the fakes in processes of their own are; default none. */
  static async create(nodes: readonly FakeOllamaOptions[] = []): Promise<NodeBed> {
    await using stack = new AsyncDisposableStack();
    const sandbox = stack.use(await Sandbox.create());
    const started = await Promise.all(
      nodes.map((options, at) => NodeProcess.start({ host: `127.0.0.${at + 2}`, ...options })),
    );
    for (const node of started) stack.use(node);
    return new NodeBed(sandbox, started, stack.move());
  }

  /** The bed's own nodes as the config file names them; `more` is said of each. */
  entries(more: Readonly<Record<string, unknown>> = {}): NodeEntry[] {
    return this.nodes.map(({ url }, at) => ({ url, name: NODE_NAMES[at]!, ...more }));
  }

  /** Starts `sollol serve` on a free port. @param config Keys of the config file; `ollama_nodes` default to the bed's. */
  async serve(
    config: Readonly<Record<string, unknown>> = {},
    options: ProgramOptions = {},
  ): Promise<NodeGateway> {
    const file = join(this.sandbox.directory, "config.yaml");
    await Deno.writeTextFile(file, JSON.stringify(this.#complete(config)));
    const args = ["serve", "--config", file, "--listen", "127.0.0.1:0"];
    const program = Program.start(this.sandbox, args, options);
    try {
      const { url } = await program.untilLogged("listening");
      return new NodeGateway(program, url as string);
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }

  #complete({ nodes = {}, ...config }: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return {
      ollama_nodes: this.entries(),
      models: [this.sandbox.env["HOME"]], // or it would look into this machine's store
      ...config,
      nodes: { local: false, ...nodes as Record<string, unknown> },
    };
  }
}

/** A gateway over nodes that listens. */
export class NodeGateway extends ServedGateway {
  /** `GET /api/admin/nodes`. */
  async nodeViews(): Promise<(NodeView & Record<string, unknown>)[]> {
    return (await this.getJson("/api/admin/nodes"))["nodes"];
  }

  /** One of them, by its name. @throws If there is none. */
  async nodeView(name: string): Promise<NodeView & Record<string, unknown>> {
    const views = await this.nodeViews();
    const view = views.find((one) => one.name === name);
    if (view === undefined) throw new Error(`no node "${name}" among ${views.map((one) => one.name)}`);
    return view;
  }

  /** Waits until these are all that is up. */
  async untilUp(names: readonly string[]): Promise<void> {
    const up = async () =>
      (await this.nodeViews()).filter(({ health }) => health === "up").map(({ name }) => name);
    await eventually(`up are ${names}`, async () => (await up()).sort().join() === [...names].sort().join())
      .catch(async () => deepEqual(await this.nodeViews(), names));
  }

  /** The body of an answer to a GET. */
  // deno-lint-ignore no-explicit-any
  async getJson(path: string): Promise<any> {
    return await (await fetch(this.url + path)).json();
  }
}
