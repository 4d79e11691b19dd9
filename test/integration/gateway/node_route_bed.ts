import { match } from "node:assert/strict";
import type { NodeSettings } from "../../../lib/nodes/node_settings.ts";
import { FakeOllamaNode, type FakeOllamaOptions } from "../../fakes/fake_ollama_node.ts";
import { nodeAt } from "../../fixtures/routing_bed.ts";
import { until } from "../../fixtures/until.ts";
import { GatewayBed, type GatewayBedOptions } from "./gateway_bed.ts";

/** The model that every node of the bed holds, unless it is told otherwise. */
export const MODEL = "llama3:8b";

/** A node of the bed: what it is, and what the gateway is told of it. */
export type NodeWish = FakeOllamaOptions & { readonly settings?: Partial<NodeSettings> };

/** A whole gateway over nodes that run in this process. They are called `a`, `b` and so on, and chosen in this order. */
export class NodeRouteBed implements AsyncDisposable {
  readonly #owned = new AsyncDisposableStack();

  private constructor(readonly gateway: GatewayBed, readonly fakes: readonly FakeOllamaNode[]) {}

  /** By itself no model is stored here, and no answer comes from anybody but nodes. */
  static async open(
    wishes: readonly NodeWish[] = [{}, {}],
    options: Omit<GatewayBedOptions, "nodes"> = {},
  ): Promise<NodeRouteBed> {
    await using opening = new AsyncDisposableStack();
    const fakes: FakeOllamaNode[] = [];
    for (const wish of wishes) fakes.push(opening.use(await FakeOllamaNode.start(wish)));
    const nodes = fakes.map(({ url }, at) => nodeAt(url, { name: NAMES[at]!, ...wishes[at]!.settings }));
    const gateway = opening.use(await GatewayBed.open({ models: [], ...options, nodes }));
    for (const fake of fakes) fake.forget();
    const bed = new NodeRouteBed(gateway, fakes);
    bed.#owned.use(opening.move());
    return bed;
  }

  get a(): FakeOllamaNode {
    return this.fakes[0]!;
  }

  get b(): FakeOllamaNode {
    return this.fakes[1]!;
  }

  /** Asks for a chat with the model that all hold. */
  chat(fields: Record<string, unknown> = {}, init: RequestInit = {}): Promise<Response> {
    return this.gateway.chat({ model: MODEL, ...fields }, init);
  }

  /** Posts any body to a path. */
  post(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
    return fetch(this.gateway.url + path, { method: "POST", body: JSON.stringify(body), ...init });
  }

  /** Asks for something, and reads it as JSON. */
  // deno-lint-ignore no-explicit-any
  async get(path: string): Promise<{ status: number; body: any }> {
    const response = await fetch(this.gateway.url + path);
    return { status: response.status, body: await response.json() };
  }

  /** How many requests for a model each node got. */
  get askedCounts(): number[] {
    return this.fakes.map(({ requests }) => requests.filter(({ path }) => path.startsWith("/v1/")).length);
  }

  /** How many requests each node was seen to fail. */
  get failedCounts(): number[] {
    return this.gateway.nodes.views().map(({ failedCount }) => failedCount);
  }

  /** Resolves when no request has a slot of any node, and none of the nodes works. */
  async untilIdle(): Promise<void> {
    const { nodes } = this.gateway.nodes;
    await until(() => nodes.every(({ inFlightCount }) => inFlightCount === 0), "all slots given back");
    await until(() => this.fakes.every(({ inFlight }) => inFlight === 0), "no node at work");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

const NAMES = ["a", "b", "c", "d"];

/** An answer as a client reads it. */
export interface ReadAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Reads an answer to its end. */
export async function read(asked: Promise<Response>): Promise<ReadAnswer> {
  const response = await asked;
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Asserts that an answer, a stream or not, is whole and that of a fake node. */
export function isWhole({ status, text }: ReadAnswer): boolean {
  return status === 200 && text.includes("word15") &&
    (text.startsWith("{") || text.endsWith("data: [DONE]\n\n"));
}

/** Asserts that a stream ended with an error that says this, and is not taken for a whole one. */
export function assertBroken({ text }: ReadAnswer, why: RegExp): void {
  const events = text.split("\n\n");
  match(events.at(-2)!, /^data: \{"error":\{"message":/);
  match(events.at(-2)!, why);
}
