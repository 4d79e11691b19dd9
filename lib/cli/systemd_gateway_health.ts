import { systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { GatewayError, messageOf } from "../errors.ts";
import { formatAddress, type UpstreamAddress } from "../http/address.ts";
import { HttpClient } from "../http/client.ts";
import { jsonIn } from "../json_text.ts";

const PATIENCE_MS = 5_000;
const MAX_BYTES = 1024 * 1024;

/**
 * Asks whether a gateway is there: a wrong URL is better told before anything is installed.
 *
 * @throws {GatewayError} `backend_unreachable` if nobody answers, or somebody else does; the signal's reason on abort.
 */
export async function askGatewayHealth(
  { address, basePath }: { address: UpstreamAddress; basePath: string },
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const url = formatAddress(address) + basePath;
  const refuse = (why: string, cause?: unknown) =>
    new GatewayError(
      "backend_unreachable",
      `The gateway is not at ${url}: ${why}. Start it, or correct the URL; --no-check installs the worker all the same`,
      { cause },
    );
  using http = new HttpClient();
  using deadline = new Deadline(systemClock, PATIENCE_MS, { signal });
  let text: string;
  try {
    const request = { method: "GET", target: `${basePath}/health`, headers: [], signal: deadline.signal };
    const response = await http.send(address, request);
    text = await response.body.text(MAX_BYTES);
  } catch (error) {
    signal.throwIfAborted();
    throw refuse(deadline.hasPassed ? "it does not answer" : messageOf(error), error);
  }
  const health = jsonIn(text);
  if (typeof health === "object" && health !== null && "status" in health) return;
  throw refuse("what answers there is no sollol gateway");
}
