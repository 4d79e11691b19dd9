import { GatewayError } from "../lib/errors.ts";
import type { NodeWish } from "../lib/model_management/node_choice.ts";

/** The header that says where models are managed. */
const NODE_HEADER = "x-sollol-node";

/** More nodes than anybody names by hand. */
const MAX_NAMES = 100;

/**
 * Reads where a model is to be managed: names or URLs of nodes with commas between, or `*` or `all` for every node that is
 * up.
 *
 * @throws {GatewayError} `invalid_request` if it says nothing.
 */
export function readNodeWish(headers: Headers): NodeWish {
  const text = headers.get(NODE_HEADER);
  if (text === null) return undefined;
  const names = text.split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (names.includes("*") || names.includes("all")) return "all";
  if (names.length > 0 && names.length <= MAX_NAMES) return names;
  const message = `The header ${NODE_HEADER} is not right: write names of nodes, ${MAX_NAMES} at most, or *`;
  throw new GatewayError("invalid_request", message, { field: NODE_HEADER });
}
