import { fail } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { FakeOllamaNode, FakeOllamaOptions } from "../fakes/fake_ollama_node.ts";
import { Transcript } from "./transcript.ts";

const PROGRAM = fileURLToPath(new URL("../fakes/ollama_node_program.ts", import.meta.url));

/** What a fake node counts since its start. */
export type NodeCounters =
  & Pick<FakeOllamaNode, "inFlight" | "peakInFlight" | "servedCount" | "abortedCount" | "connectionCount">
  & { readonly counts: Readonly<Record<string, number>> };

/** A fake Ollama node as a process of its own: it dies as a machine does that is switched off, and comes back. */
export class NodeProcess implements AsyncDisposable {
  /** `http://127.0.0.2:PORT`; stays the same over its deaths. */
  url = "";
  #child: Deno.ChildProcess | undefined;
  #said: Transcript | undefined;
  #answers = 0;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(private readonly options: FakeOllamaOptions) {}

  /** Starts it and waits until it listens. */
  static async start(options: FakeOllamaOptions = {}): Promise<NodeProcess> {
    const node = new NodeProcess(options);
    await node.revive();
    return node;
  }

  /** Kills it, and waits until it is dead. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.kill("SIGKILL");
    await Promise.all([child.status, this.#said!.ended, child.stdin.abort().catch(() => {})]);
  }

  /** Starts it on its port, as new; waits until it listens. */
  async revive(): Promise<void> {
    const port = this.url === "" ? this.options.port ?? 0 : Number(new URL(this.url).port);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", PROGRAM, JSON.stringify({ ...this.options, port })],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#child = child;
    this.#said = new Transcript("the fake node", child.stdout);
    this.#answers = 0;
    this.url = (await this.#said.until(/^listening (\S+)\n/))[1]!;
  }

  /** Changes what it does, see {@linkcode FakeOllamaNode.behave}. */
  behave(...how: Parameters<FakeOllamaNode["behave"]>): Promise<NodeCounters> {
    return this.#tell(JSON.stringify(how));
  }

  /** What it has counted so far. */
  counters(): Promise<NodeCounters> {
    return this.#tell("");
  }

  /** How many requests came that make a model work. */
  async askedCount(): Promise<number> {
    const { counts } = await this.counters();
    return Object.entries(counts).reduce(
      (sum, [path, count]) => path.startsWith("/v1/") ? sum + count : sum,
      0,
    );
  }

  /** Kills it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  /** One line, one answer: never two at a time. */
  #tell(line: string): Promise<NodeCounters> {
    const answer = this.#turn.then(async () => {
      const [child, said] = [this.#child, this.#said];
      if (child === undefined || said === undefined) fail("the fake node is dead");
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(`${line}\n`));
      writer.releaseLock();
      const count = ++this.#answers;
      await said.until(new RegExp(`^(?:.*\\n){${count + 1}}`)); // behind the line that says where it listens
      return JSON.parse(said.lines[count]!) as NodeCounters;
    });
    this.#turn = answer.catch(() => {});
    return answer;
  }
}
