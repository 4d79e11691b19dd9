import type { Logger } from "../log.ts";
import type { NamedNode } from "./named_nodes.ts";
import { parseOllamaHost } from "./ollama_host.ts";

/** The node that the variable `OLLAMA_HOST` names; `undefined` if it names none, which is told unless it is empty. */
export function nodeOfEnvironment(
  { ollamaHost, logger }: { readonly ollamaHost: string | undefined; readonly logger: Logger },
): NamedNode | undefined {
  if (ollamaHost === undefined || ollamaHost.trim() === "") return undefined;
  try {
    return { url: parseOllamaHost(ollamaHost), source: "environment" };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    logger.warn("OLLAMA_HOST names no node", { reason: error });
    return undefined;
  }
}
