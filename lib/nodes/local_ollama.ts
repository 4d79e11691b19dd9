import type { Clock } from "../clock.ts";
import { parseUpstreamUrl } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import { checkNode } from "./node_check.ts";
import { OLLAMA_PORT } from "./node_url.ts";

/** Where an Ollama on this host listens that nobody told otherwise. */
export const LOCAL_URL: string = `http://127.0.0.1:${OLLAMA_PORT}`;

/**
 * Asks whether an Ollama listens there. Whatever else does, a sollol gateway among them, is none.
 *
 * @throws The signal's reason.
 */
export async function isOllamaAt(
  url: string,
  options: { http: Pick<HttpClient, "send">; clock: Clock; signal: AbortSignal },
): Promise<boolean> {
  const finding = await checkNode({ ...parseUpstreamUrl(url), headers: [] }, options);
  return finding.health === "up";
}
