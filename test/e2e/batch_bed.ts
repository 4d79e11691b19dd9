import { join } from "node:path";
import { FakeOllamaNode } from "../fakes/fake_ollama_node.ts";
import { freePort } from "../fixtures/free_port.ts";
import { eventually } from "./eventually.ts";
import { Program, type ProgramResult } from "./program.ts";
import { Sandbox } from "./sandbox.ts";

const NODE_COUNT = 3;
const SLOT_COUNT = 8;
const CHAT = "/v1/chat/completions";
const PACE = { parallel: SLOT_COUNT, firstTokenMs: 10, answer: "yes" };

/** Fake Ollama nodes, a gateway over them on one port however often it is started, and the program beside it. */
export class BatchKillBed implements AsyncDisposable {
  readonly url: string;
  readonly #port = freePort();

  private constructor(
    readonly sandbox: Sandbox,
    readonly nodes: readonly FakeOllamaNode[],
    private readonly stack: AsyncDisposableStack,
  ) {
    this.url = `http://127.0.0.1:${this.#port}`;
  }

  static async create(): Promise<BatchKillBed> {
    await using stack = new AsyncDisposableStack();
    const sandbox = stack.use(await Sandbox.create());
    const nodes: FakeOllamaNode[] = [];
    for (let count = 0; count < NODE_COUNT; count++) nodes.push(stack.use(await FakeOllamaNode.start(PACE)));
    return new BatchKillBed(sandbox, nodes, stack.move());
  }

  /** Starts the gateway, and waits until it listens. */
  async serve(): Promise<Program> {
    const config = {
      ollama_nodes: this.nodes.map(({ url }, at) => ({ url, name: `node${at}`, slots: SLOT_COUNT })),
      models: [this.sandbox.env["HOME"]], // or it would look into this machine's store
      nodes: { local: false },
      batch: { concurrency: NODE_COUNT * SLOT_COUNT },
    };
    const file = join(this.sandbox.directory, "config.yaml");
    await Deno.writeTextFile(file, JSON.stringify(config));
    const args = ["serve", "--config", file, "--listen", `127.0.0.1:${this.#port}`];
    const program = Program.start(this.sandbox, args);
    try {
      await program.untilLogged("listening");
      return program;
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Writes a file of so many requests, `q0` with the custom id `q0` and so on. @returns Its path. */
  async writeInput(lineCount: number): Promise<string> {
    const path = join(this.sandbox.directory, "input.jsonl");
    const lines = Array.from({ length: lineCount }, (_, n) =>
      JSON.stringify({
        custom_id: `q${n}`,
        method: "POST",
        url: CHAT,
        body: { model: "llama3:8b", messages: [{ role: "user", content: `q${n}` }] },
      }));
    await Deno.writeTextFile(path, `${lines.join("\n")}\n`);
    return path;
  }

  /** `sollol batch run`. */
  runBatch(file: string): Program {
    return Program.start(this.sandbox, ["batch", "run", file, "--gateway", this.url]);
  }

  /** How many answers the nodes gave. */
  get servedCount(): number {
    return this.nodes.reduce((sum, node) => sum + node.servedCount, 0);
  }

  /** How often each request came to a node. */
  get askedCounts(): ReadonlyMap<string, number> {
    const asked = this.nodes.flatMap(({ requests }) => requests.filter(({ path }) => path === CHAT));
    const counts = new Map<string, number>();
    for (const { body } of asked) {
      const id = JSON.parse(body).messages[0].content;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

/** What became of a batch whose gateway was killed on the way. */
export interface BatchKillResult {
  /** Of `sollol batch run`, which waited all the time. */
  readonly command: ProgramResult;
  /** The ids in its output, in order; none if there is no output. */
  readonly ids: readonly string[];
  /** Whether some request failed. */
  readonly hasErrors: boolean;
  /** How many answers the nodes had given at each kill. */
  readonly kills: readonly number[];
  /** How often each request came to a node. */
  readonly askedCounts: ReadonlyMap<string, number>;
  /** From the start of the command to its end, ms. */
  readonly tookMs: number;
}

/** Runs a batch, and kills the gateway on the way without warning, evenly spread. */
export async function runAndKill(
  { lineCount, killCount }: { readonly lineCount: number; readonly killCount: number },
): Promise<BatchKillResult> {
  await using bed = await BatchKillBed.create();
  const file = await bed.writeInput(lineCount);
  let gateway = await bed.serve();
  await using _last = { [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
  const startMs = performance.now();
  await using command = bed.runBatch(file);
  const kills: number[] = [];
  while (kills.length < killCount) {
    const dueCount = lineCount * (kills.length + 1) / (killCount + 1);
    await eventually(
      `${dueCount} answers`,
      () => bed.servedCount >= dueCount || !command.isRunning,
      120_000,
    );
    Deno.kill(gateway.pid, "SIGKILL");
    kills.push(bed.servedCount);
    await gateway.ended;
    gateway = await bed.serve();
  }
  const result = await command.ended;
  const tookMs = performance.now() - startMs;
  await gateway.stop();
  const ids = await idsIn(file.replace(".jsonl", ".out.jsonl"));
  const hasErrors = (await idsIn(file.replace(".jsonl", ".errors.jsonl"))).length > 0;
  return { command: result, ids, hasErrors, kills, askedCounts: bed.askedCounts, tookMs };
}

async function idsIn(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line).custom_id);
}
