import type { StreamedBody } from "../http/request_head.ts";
import { isDigest } from "../ollama/manifest.ts";
import type { NodeWish } from "./node_choice.ts";
import type { NodeAnswer } from "./node_request.ts";

/** What a client orders. */
export interface ModelOrder {
  /** Of the request, for the log. */
  readonly requestId: string;
  /** The model that it is about: of a copy, its source. */
  readonly model: string;
  /** The request's body, for the node. */
  readonly said: Readonly<Record<string, unknown>>;
  /** Where it is to be done. */
  readonly wish: NodeWish;
}

/** What a client asks or gives of a blob. */
export interface BlobOrder {
  /** Of the request, for the log. */
  readonly requestId: string;
  /** As `isDigest()` checked it. */
  readonly digest: string;
  /** Where it is to be; one node at most. */
  readonly wish: NodeWish;
}

/** Where an order went. */
export interface OrderPlace {
  /** Names of the nodes. */
  readonly nodes: readonly string[];
  /** Why these, in a clause. */
  readonly because: string;
}

/** How a short order ended: the node's own words, or empty. */
export type OrderAnswer = OrderPlace & NodeAnswer;

/** How a long order begins: it is refused in the node's own words, or goes on for a while. */
export type OrderProgress =
  & OrderPlace
  & (
    | { readonly refusal: NodeAnswer; readonly lines?: undefined }
    | {
      readonly refusal?: undefined;
      /** JSON without line ends; the last one says how it ended. Must be read to its end or returned. */
      readonly lines: AsyncGenerator<string, void>;
    }
  );

/**
 * Has nodes pull, push, make, copy and delete models, and keep blobs. Each throws `GatewayError` if no node can be
 * asked, or a single one cannot be reached, and the signal's reason.
 */
export interface ModelOrders {
  /** Pulls a model: where it is already, which brings it up to date, else where most room is. */
  pull(order: ModelOrder, signal: AbortSignal): Promise<OrderProgress>;
  /** Pushes a model from one node that holds it. */
  push(order: ModelOrder, signal: AbortSignal): Promise<OrderProgress>;
  /** Makes a model: where the blobs are that it needs, or the model that it is made from; else where most room is. */
  create(order: ModelOrder, signal: AbortSignal): Promise<OrderProgress>;
  /** Gives a model another name at all nodes that hold it and are up. `upstream_failed` if one of several could not. */
  copy(order: ModelOrder, signal: AbortSignal): Promise<OrderAnswer>;
  /** Deletes a model at all nodes that hold it and are up. `upstream_failed` if one of several could not. */
  delete(order: ModelOrder, signal: AbortSignal): Promise<OrderAnswer>;
  /** Whether the node that blobs go to has one: 200 or 404. */
  findBlob(order: BlobOrder, signal: AbortSignal): Promise<OrderAnswer>;
  /** Sends a blob on as it comes. `invalid_request` if several nodes are wished for; throws what the body throws. */
  putBlob(order: BlobOrder, body: StreamedBody, signal: AbortSignal): Promise<OrderAnswer>;
}

/** All blobs that a model is to be made from. */
export function digestsIn(said: Readonly<Record<string, unknown>>): string[] {
  const lists = [said["files"], said["adapters"], said["draft_files"]];
  return lists.flatMap((files) => typeof files === "object" && files !== null ? Object.values(files) : [])
    .filter((digest): digest is string => typeof digest === "string" && isDigest(digest));
}
