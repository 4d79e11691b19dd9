import { ok } from "node:assert/strict";
import type { NodeView } from "../../lib/nodes/node.ts";
import type { FakeOllamaBehaviour, FakeOllamaMode } from "../fakes/fake_ollama_mode.ts";
import { FakeOllamaNode } from "../fakes/fake_ollama_node.ts";
import type { ErrorBody } from "./chat.ts";
import { dataOf, postChat } from "./chat.ts";
import { postEmbeddings } from "./node_clients.ts";
import type { NodeEntry, NodeGateway } from "./node_bed.ts";

/** What one client saw of one request. */
export interface Seen {
  /** 0 if there was no answer at all. */
  readonly status: number;
  /** Who answered. */
  readonly upstream: string;
  readonly attemptCount: number;
  readonly tookMs: number;
  /** Of a whole answer, or of an error event. */
  readonly error: ErrorBody | undefined;
  /** Whether a stream ended with `[DONE]`; whether another answer was what was asked for. */
  readonly isWhole: boolean;
}

/** What a mode of a node does to requests. */
export interface MoodResult {
  /** With a sound node beside it. */
  readonly stream: Seen;
  readonly whole: Seen;
  /** Asked at once for nothing else: where both nodes are idle, the one that misbehaves is asked first. */
  readonly embedding: Seen;
  /** Where nobody else has the model. */
  readonly aloneStream: Seen;
  readonly aloneWhole: Seen;
}

/** What breaks amid an answer breaks when its client has had a part. */
const PACE = { tokensPerSecond: 100 };

/** One mode, and who plays it. */
export class Mood implements AsyncDisposable {
  private constructor(
    private readonly gateway: NodeGateway,
    readonly mode: FakeOllamaMode,
    private readonly fakes: readonly FakeOllamaNode[],
    private readonly stack: AsyncDisposableStack,
  ) {}

  /**
   * Starts two nodes that will misbehave beside a sound one, one for chats and one for embeddings, and one that is alone;
   * all are up when this resolves.
   */
  static async prepare(gateway: NodeGateway, mode: FakeOllamaMode): Promise<Mood> {
    await using stack = new AsyncDisposableStack();
    const start = async (role: string, models: readonly string[], weight = 1) => {
      const node = stack.use(
        await FakeOllamaNode.start({ ...PACE, models: models.map((name) => ({ name })) }),
      );
      await addNode(gateway, { url: node.url, name: `${mode}-${role}`, weight });
      return node;
    };
    const [chat, embedding, alone] = modelsOf(mode);
    const fakes = [
      await start("bad", [chat], 100), // the weight has it asked first
      await start("embedder", [embedding], 100),
      await start("alone", [alone]),
    ];
    await start("good", [chat, embedding]);
    return new Mood(gateway, mode, fakes, stack.move());
  }

  /** Has them misbehave, and asks at once: nobody has checked them yet. */
  async play(options: Partial<FakeOllamaBehaviour> = {}): Promise<MoodResult> {
    const { url } = this.gateway;
    const [model, embeddingModel, aloneModel] = modelsOf(this.mode);
    for (const node of this.fakes) node.behave(this.mode, options);
    const [stream, whole, embedding, aloneStream, aloneWhole] = await Promise.all([
      seeChat(url, model, true),
      seeChat(url, model, false),
      seeEmbedding(url, embeddingModel),
      seeChat(url, aloneModel, true),
      seeChat(url, aloneModel, false),
    ]);
    return { stream, whole, embedding, aloneStream, aloneWhole };
  }

  /** What the gateway thinks of the one that misbehaves beside a sound one. */
  view(): Promise<NodeView> {
    return this.gateway.nodeView(`${this.mode}-bad`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

/** For chats, for embeddings, and of the node that is alone. */
function modelsOf(mode: FakeOllamaMode): [string, string, string] {
  return [`${mode}:1b`, `${mode}-embed:1b`, `${mode}-alone:1b`];
}

/** `POST /api/admin/nodes`: resolves when it was asked what it holds. */
export async function addNode({ url }: { url: string }, node: NodeEntry): Promise<NodeView> {
  const response = await fetch(`${url}/api/admin/nodes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(node),
  });
  const text = await response.text();
  ok(response.ok, `${response.status}: ${text}`);
  const view: NodeView = JSON.parse(text);
  ok(view.health === "up", `${view.name} is ${view.health}: ${view.reason}`);
  return view;
}

/** Asks for a chat, and tells what its client sees. */
export function seeChat(
  url: string,
  model: string,
  stream: boolean,
  headers: Readonly<Record<string, string>> = {},
): Promise<Seen> {
  return see(postChat(url, { model, maxTokens: 8, headers }, stream));
}

/** Asks for an embedding, and tells what its client sees. */
export function seeEmbedding(url: string, model: string): Promise<Seen> {
  return see(postEmbeddings(url, "one text", { model }));
}

async function see(asked: Promise<Response>): Promise<Seen> {
  const startMs = performance.now();
  const seen = { status: 0, upstream: "", attemptCount: 0 };
  const end = (isWhole: boolean, error?: ErrorBody): Seen => {
    return { ...seen, isWhole, error, tookMs: performance.now() - startMs };
  };
  const response = await asked;
  seen.status = response.status;
  seen.upstream = response.headers.get("x-sollol-upstream") ?? "";
  seen.attemptCount = Number(response.headers.get("x-sollol-attempts") ?? 0);
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    const { error, choices, data } = await response.json();
    return end(choices !== undefined || data !== undefined, error);
  }
  let isDone = false;
  let error: ErrorBody | undefined;
  for await (const data of dataOf(response.body!)) {
    if (data === "[DONE]") isDone = true;
    else error ??= JSON.parse(data).error;
  }
  return end(isDone && error === undefined, error);
}
