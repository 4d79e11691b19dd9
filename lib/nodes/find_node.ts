import { GatewayError } from "../errors.ts";
import { parseNodeUrl } from "./node_url.ts";

/** By what a node is found. */
export interface FindableNode {
  /** Unique among the nodes. */
  readonly name: string;
  /** As `parseNodeUrl()` writes it. */
  readonly url: string;
  /** Its other URLs, written likewise. */
  readonly aliases: readonly string[];
}

/** No name is longer; what else is asked for must not fill a screen. */
const MAX_SHOWN_LENGTH = 80;

/**
 * The node that somebody means: by its name, or else by one of its URLs, however that is written.
 *
 * @throws {GatewayError} `not_found`.
 */
export function findNode<Node extends FindableNode>(nodes: readonly Node[], nameOrUrl: string): Node {
  const url = urlOf(nameOrUrl);
  const found = nodes.find(({ name }) => name === nameOrUrl) ??
    nodes.find((one) => url !== undefined && (one.url === url || one.aliases.includes(url)));
  if (found) return found;
  const isLong = nameOrUrl.length > MAX_SHOWN_LENGTH;
  const shown = isLong ? `${nameOrUrl.slice(0, MAX_SHOWN_LENGTH)}…` : nameOrUrl;
  throw new GatewayError("not_found", `There is no Ollama node "${shown}"; \`sollol nodes\` lists them`);
}

function urlOf(text: string): string | undefined {
  try {
    return parseNodeUrl(text);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
