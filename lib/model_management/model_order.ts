import { isDigest } from "../ollama/manifest.ts";
import type { NodeWish } from "./node_choice.ts";
import type { NodeAnswer } from "./node_request.ts";

/** What a client orders. */
export interface ModelOrder {
  /** The model that it is about: of a copy, its source. */
  readonly model: string;
  /** The request's body, for the node. */
  readonly said: Readonly<Record<string, unknown>>;
  /** Where it is to be done. */
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

/** All blobs that a model is to be made from. */
export function digestsIn(said: Readonly<Record<string, unknown>>): string[] {
  const lists = [said["files"], said["adapters"], said["draft_files"]];
  return lists.flatMap((files) => typeof files === "object" && files !== null ? Object.values(files) : [])
    .filter((digest): digest is string => typeof digest === "string" && isDigest(digest));
}
