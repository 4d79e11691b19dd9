import { match } from "node:assert/strict";
import type { NodeSettings } from "../../../lib/nodes/node_settings.ts";
import {
  FakeOllamaNode,
  type FakeOllamaOptions,
  type FakeOllamaRequest,
} from "../../fakes/fake_ollama_node.ts";
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
    wishes: readonly (NodeWish | OddNode)[] = [{}, {}],
    options: Omit<GatewayBedOptions, "nodes"> = {},
  ): Promise<NodeRouteBed> {
    await using opening = new AsyncDisposableStack();
    const fakes: FakeOllamaNode[] = [];
    const nodes: NodeSettings[] = [];
    for (const [at, wish] of wishes.entries()) {
      const isOdd = wish instanceof OddNode;
      const node = isOdd ? wish : await FakeOllamaNode.start(wish);
      if (node instanceof FakeOllamaNode) fakes.push(opening.use(node));
      nodes.push(nodeAt(node.url, { name: NAMES[at]!, ...(isOdd ? {} : wish.settings) }));
    }
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
    return this.fakes.map((fake) => askedOf(fake).length);
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
    for (const fake of this.fakes) fake.behave("ok"); // a test that failed may have left requests that hang
    await this.#owned.disposeAsync();
  }
}

/** A node whose checks are answered as they should be, and whatever needs a model as the test says. */
export class OddNode implements AsyncDisposable {
  /** What it was asked, without its checks. */
  readonly asked: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: (request: Request) => Response | Promise<Response>) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const { pathname } = new URL(request.url);
      const checked = CHECKS[pathname];
      if (checked) return Response.json(checked);
      if (!/^\/v1\/|^\/api\/embed$/.test(pathname)) {
        return new Response("404 page not found", { status: 404 });
      }
      this.asked.push(await request.clone().text());
      return await answer(request);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

const CHECKS: Readonly<Record<string, unknown>> = {
  "/api/version": { version: "0.33.0" },
  "/api/tags": { models: [{ name: MODEL, model: MODEL, size: 5, digest: "a".repeat(64), details: {} }] },
  "/api/ps": { models: [] },
};

/** What a node was asked, without its checks. */
export function askedOf({ requests }: FakeOllamaNode): FakeOllamaRequest[] {
  return requests.filter(({ path }) => path.startsWith("/v1/"));
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
