import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { GatewayError } from "../errors.ts";
import type { HttpClient } from "../http/client.ts";
import type { StreamedBody } from "../http/request_head.ts";
import { listNames } from "../name_list.ts";
import type { KnownNode } from "../nodes/node.ts";
import { answerOfAll } from "./answer_of_all.ts";
import { ManagedNodes, type ManagedNodesParts, requireUp } from "./managed_nodes.ts";
import {
  type BlobOrder,
  digestsIn,
  type ModelOrder,
  type ModelOrders,
  type OrderAnswer,
  type OrderProgress,
} from "./model_order.ts";
import type { ManagedAction, NodeWish } from "./node_choice.ts";
import { progressOfMany, progressOfOne } from "./node_progress.ts";
import {
  askNode,
  askNodeBriefly,
  jsonBody,
  type NodeAnswer,
  type NodeRequest,
  wholeAnswer,
} from "./node_request.ts";
import { formatDuration } from "../units.ts";

/** What {@linkcode ModelManagement} works with. */
export interface ModelManagementParts extends Omit<ManagedNodesParts, "clock"> {
  /** The Ollama nodes, live. */
  readonly nodes: ManagedNodesParts["nodes"] & {
    refresh(asked: { readonly names: readonly string[]; readonly signal: AbortSignal }): Promise<void>;
  };
  /** Asks them; disposed by whoever made it. */
  readonly http: Pick<HttpClient, "send">;
  /** Time. */
  readonly clock: Clock;
}

/** Nodes, and why these, in a clause. */
interface NodeChoice {
  readonly nodes: readonly KnownNode[];
  readonly because: string;
}

/** For how long it is waited until a node's list is known anew, ms. */
const REFRESH_MS = 3_000;
/** For a node to tell whether it has a blob, ms. */
const HAS_BLOB_MS = 2_000;
/** For a node to copy or delete a model, ms: it frees a hundred GiB on a slow disk meanwhile. */
const ANSWER_MS = 60_000;
/** Nodes that a sentence tells. */
const TOLD_NODES = 5;

/** Has the nodes pull, push, make, copy and delete models: by the client's wish where it has one, else where it suits. */
export class ModelManagement implements ModelOrders {
  readonly #parts: ModelManagementParts;
  readonly #nodes: ManagedNodes;

  /** Its parts stay the caller's to dispose. */
  constructor(parts: ModelManagementParts) {
    this.#parts = parts;
    this.#nodes = new ManagedNodes(parts);
  }

  /** See {@linkcode ModelOrders.pull}. */
  async pull(order: ModelOrder, signal: AbortSignal): Promise<OrderProgress> {
    return await this.#progress(this.#forPulling(order), { verb: "pull", path: "/api/pull", order }, signal);
  }

  /** See {@linkcode ModelOrders.push}. */
  async push(order: ModelOrder, signal: AbortSignal): Promise<OrderProgress> {
    const choice = this.#atOneHolder(order, PUSH);
    return await this.#progress(choice, { verb: "push", path: "/api/push", order }, signal);
  }

  /** See {@linkcode ModelOrders.create}. */
  async create(order: ModelOrder, signal: AbortSignal): Promise<OrderProgress> {
    const choice = await this.#forCreating(order, signal);
    return await this.#progress(choice, { verb: "create", path: "/api/create", order }, signal);
  }

  /** See {@linkcode ModelOrders.copy}. */
  async copy(order: ModelOrder, signal: AbortSignal): Promise<OrderAnswer> {
    const request = { method: "POST", path: "/api/copy", ...jsonBody(order.said) } as const;
    return await this.#short(order, COPY, request, signal);
  }

  /** See {@linkcode ModelOrders.delete}. */
  async delete(order: ModelOrder, signal: AbortSignal): Promise<OrderAnswer> {
    const request = { method: "DELETE", path: "/api/delete", ...jsonBody(order.said) } as const;
    return await this.#short(order, DELETE, request, signal);
  }

  /** See {@linkcode ModelOrders.findBlob}. */
  async findBlob({ digest, wish }: BlobOrder, signal: AbortSignal): Promise<OrderAnswer> {
    return await this.#atWorkbench(wish, { method: "HEAD", path: `/api/blobs/${digest}` }, signal);
  }

  /** See {@linkcode ModelOrders.putBlob}. */
  async putBlob({ digest, wish }: BlobOrder, body: StreamedBody, signal: AbortSignal): Promise<OrderAnswer> {
    return await this.#atWorkbench(wish, { method: "POST", path: `/api/blobs/${digest}`, body }, signal);
  }

  async #atWorkbench(wish: NodeWish, request: NodeRequest, signal: AbortSignal): Promise<OrderAnswer> {
    const [node, ...others] = this.#nodes.wished(wish, BLOB) ?? [this.#nodes.workbench(BLOB)];
    if (others.length > 0) {
      const message = `A blob goes to one node at a time; name one of them in the header x-sollol-node`;
      throw new GatewayError("invalid_request", message, { field: "x-sollol-node" });
    }
    requireUp(node!, "keep a blob");
    const answer = await askNodeBriefly(this.#parts.http, node!, request, signal);
    return { ...answer, nodes: [node!.name], because: wish === undefined ? "blobs go there now" : WISHED };
  }

  #forPulling({ model, wish }: ModelOrder): NodeChoice {
    const wished = this.#nodes.wished(wish, PULL);
    if (wished) return { nodes: wished, because: WISHED };
    const [holder] = this.#nodes.holders(model);
    if (holder) return { nodes: [holder], because: "it holds the model already" };
    return { nodes: [this.#nodes.roomiest(PULL, model)[0]], because: MOST_ROOM };
  }

  /** One is enough: the same would be published twice. */
  #atOneHolder({ model, wish }: ModelOrder, action: ManagedAction): NodeChoice {
    const wished = wish === "all" ? undefined : this.#nodes.wished(wish, action);
    if (wished) return { nodes: wished, because: WISHED };
    return { nodes: [this.#nodes.holder(model, action)], because: "it holds the model" };
  }

  /** The shelf is one Ollama: what is deleted is gone, and what is copied may be deleted afterwards. */
  #atAllHolders({ model, wish }: ModelOrder, action: ManagedAction): NodeChoice {
    const wished = wish === "all" ? undefined : this.#nodes.wished(wish, action);
    if (wished) return { nodes: wished, because: WISHED };
    const holders = this.#nodes.holders(model);
    if (holders.length === 0) {
      return { nodes: [this.#nodes.holder(model, action)], because: "no node is known to hold the model" };
    }
    const missing = this.#nodes.missingHolders(model).map(({ name, health }) =>
      `${name}, which is ${health}`
    );
    const but = missing.length === 0 ? "" : ` but for ${listNames(missing, TOLD_NODES)}`;
    return { nodes: holders, because: `all that hold the model${but}` };
  }

  async #forCreating({ model, said, wish }: ModelOrder, signal: AbortSignal): Promise<NodeChoice> {
    const wished = this.#nodes.wished(wish, CREATE);
    if (wished) return { nodes: wished, because: WISHED };
    const digests = digestsIn(said);
    if (digests.length > 0) return await this.#withBlobs(digests, signal);
    const [holder] = typeof said["from"] === "string" ? this.#nodes.holders(said["from"]) : [];
    if (holder) return { nodes: [holder], because: "it holds the model that it is made from" };
    return { nodes: [this.#nodes.roomiest(CREATE, model)[0]], because: MOST_ROOM };
  }

  /** Where all blobs are; where they would go if they are nowhere: that node knows best how to say so. */
  async #withBlobs(digests: readonly string[], signal: AbortSignal): Promise<NodeChoice> {
    const bench = this.#nodes.workbench(CREATE);
    for (const node of new Set([bench, ...this.#nodes.roomiest(CREATE)])) {
      if (await this.#hasBlobs(node, digests, signal)) return { nodes: [node], because: "it has the blobs" };
    }
    return { nodes: [bench], because: "blobs go there now" };
  }

  async #hasBlobs(node: KnownNode, digests: readonly string[], signal: AbortSignal): Promise<boolean> {
    using deadline = new Deadline(this.#parts.clock, HAS_BLOB_MS, { signal });
    try {
      for (const digest of digests) {
        const request = { method: "HEAD", path: `/api/blobs/${digest}` } as const;
        const { status } = await askNodeBriefly(this.#parts.http, node, request, deadline.signal);
        if (status !== 200) return false;
      }
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.hasPassed || error instanceof GatewayError) return false;
      throw error;
    }
  }

  async #progress(
    { nodes, because }: NodeChoice,
    { verb, path, order }: { readonly verb: string; readonly path: string; readonly order: ModelOrder },
    signal: AbortSignal,
  ): Promise<OrderProgress> {
    const { http } = this.#parts;
    const place = { nodes: nodes.map(({ name }) => name), because };
    const what = `${verb} "${order.model}"`;
    const request = { method: "POST", path, ...jsonBody({ ...order.said, stream: true }) } as const;
    const options = { what, onSuccess: (node: KnownNode) => this.#askAnew([node]), signal };
    const open = async (node: KnownNode, ending: AbortSignal) => {
      requireUp(node, what);
      return await askNode(http, node, request, ending);
    };
    if (nodes.length > 1) return { ...place, lines: progressOfMany(nodes, open, options) };
    const response = await open(nodes[0]!, signal);
    if (response.status === 200) return { ...place, lines: progressOfOne(nodes[0]!, response, options) };
    return { ...place, refusal: await wholeAnswer(nodes[0]!, response, signal) };
  }

  async #short(
    order: ModelOrder,
    action: ManagedAction,
    request: NodeRequest,
    signal: AbortSignal,
  ): Promise<OrderAnswer> {
    const { nodes, because } = this.#atAllHolders(order, action);
    const what = `${action.verb} "${order.model}"`;
    const place = { nodes: nodes.map(({ name }) => name), because };
    using deadline = new Deadline(this.#parts.clock, ANSWER_MS, { signal, reason: () => tooLate(what) });
    const ask = async (node: KnownNode): Promise<NodeAnswer> => {
      requireUp(node, what);
      return await askNodeBriefly(this.#parts.http, node, request, deadline.signal);
    };
    try {
      if (nodes.length === 1) return { ...place, ...await ask(nodes[0]!) };
      return { ...place, ...await answerOfAll(nodes, ask, what) };
    } finally {
      if (!signal.aborted) await this.#askAnew(nodes);
    }
  }

  /** Twice, for the first question may join one that was on its way before. Never rejects. */
  async #askAnew(nodes: readonly KnownNode[]): Promise<void> {
    using deadline = new Deadline(this.#parts.clock, REFRESH_MS);
    const asked = { names: nodes.map(({ name }) => name), signal: deadline.signal };
    try {
      await this.#parts.nodes.refresh(asked);
      await this.#parts.nodes.refresh(asked);
    } catch { /* it will be known at the next check */ }
  }
}

const PULL: ManagedAction = { verb: "pull", preposition: "to" };
const PUSH: ManagedAction = { verb: "push", preposition: "from" };
const CREATE: ManagedAction = { verb: "create models", preposition: "on" };
const COPY: ManagedAction = { verb: "copy", preposition: "on" };
const DELETE: ManagedAction = { verb: "delete", preposition: "on" };
const BLOB: ManagedAction = { verb: "keep blobs", preposition: "on" };

const WISHED = "the client wants it so";
const MOST_ROOM = "it has most room";

function tooLate(what: string): GatewayError {
  const message = `No answer within ${formatDuration(ANSWER_MS)} to the order to ${what}; see the node's log`;
  return new GatewayError("upstream_timeout", message);
}
