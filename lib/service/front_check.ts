import type { UpstreamAddress } from "../http/address.ts";
import { HttpClient } from "../http/client.ts";
import { HttpError } from "../http/error.ts";
import type { Logger } from "../log.ts";

/** How long the first look at a front may take, ms: nobody is in its way yet. */
const FIRST_LOOK_MS = 3_000;

/** What {@linkcode checkFront} works with. */
export interface FrontCheckOptions {
  /** Ends the first look. */
  readonly signal: AbortSignal;
  /** Hears that the front cannot be looked at. */
  readonly logger: Logger;
}

/**
 * Looks once at our own listener, and gives what looks at it from then on. One that cannot be reached by us although it
 * has just begun to listen, since a filter of packets is in between, would be taken for stuck for ever: then an event
 * loop that turns has to do.
 *
 * @throws The signal's reason.
 */
export async function checkFront(
  address: Extract<UpstreamAddress, { transport: "tcp" }>,
  { signal, logger }: FrontCheckOptions,
): Promise<(signal: AbortSignal) => Promise<boolean>> {
  const firstLook = AbortSignal.any([signal, AbortSignal.timeout(FIRST_LOOK_MS)]);
  if (await frontAnswers(address, { signal: firstLook }).catch(() => false)) {
    return (signal) => frontAnswers(address, { signal });
  }
  signal.throwIfAborted();
  logger.warn("own listener cannot be reached: the watchdog sees only whether the program stands still", {
    listener: `${address.hostname} port ${address.port}`,
    todo: "allow that address in IPAddressAllow= of the unit, or in the firewall",
  });
  return () => Promise.resolve(true);
}

/**
 * Whether our own listener still takes a connection and has it answered: one request to `/health` as any client would
 * send it, since an event loop that turns does not prove that anybody is accepted. What the answer says does not matter,
 * and a connection that is closed at once counts, too: where there are more clients than the limits allow, that is the
 * answer. A host without free descriptors cannot be asked; that alone is no reason to cut the streams that run.
 *
 * @param address Where it listens.
 * @throws The signal's reason: it did not answer in time.
 */
export async function frontAnswers(
  address: UpstreamAddress,
  { signal }: { readonly signal: AbortSignal },
): Promise<boolean> {
  using client = new HttpClient();
  try {
    await client.send(address, { method: "GET", target: "/health", fresh: true, signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HttpError)) throw error;
    return error.kind === "busy" || (error.phase !== "connect" && error.phase !== "resolve");
  }
}
