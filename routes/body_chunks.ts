import { type Clock, systemClock } from "../lib/clock.ts";
import { GatewayError } from "../lib/errors.ts";
import { SlicedWait } from "../lib/sliced_wait.ts";
import { formatDuration } from "../lib/units.ts";

/** How a body is waited for. */
export interface BodyWait {
  /** Measures how long nothing comes. Default: the host's. */
  readonly clock?: Clock | undefined;
  /** What the client sends, for the message if it leaves. Default: `its request`. */
  readonly what?: string;
}

/** For requests of which nobody said otherwise, ms; as it is configured unless somebody changes it. */
const USUAL_PATIENCE_MS = 30_000;

/** Whoever reads a body has nothing but its request, and is not to ask for the configuration. */
const patience = new WeakMap<Request, number>();

/** Says for how long nothing of a request's body may come, ms. */
export function setPatience(request: Request, patienceMs: number): void {
  if (patienceMs !== USUAL_PATIENCE_MS) patience.set(request, patienceMs); // nearly all are spared the map
}

/**
 * The pieces of a request's body as they come, none of which may be kept. However slowly they come, it is enough that
 * they do; how long the caller takes for one does not count.
 *
 * @throws {GatewayError} `client_closed` if the client left; `request_timeout` if nothing came for too long.
 */
export async function* chunksOf(request: Request, wait: BodyWait = {}): AsyncGenerator<Uint8Array, void> {
  if (!request.body) return;
  const reader = request.body.getReader();
  try {
    for (;;) {
      const { done, value } = await inTime(request, reader.read(), wait);
      if (done) return;
      yield value;
    }
  } finally {
    void reader.cancel().catch(() => {}); // what is still to come concerns nobody
  }
}

/**
 * What is read of a request's body, if it comes in time.
 *
 * @throws {GatewayError} As {@linkcode chunksOf}.
 */
export async function inTime<T>(
  request: Request,
  reading: Promise<T>,
  { clock = systemClock, what = "its request" }: BodyWait = {},
): Promise<T> {
  const patienceMs = patience.get(request) ?? USUAL_PATIENCE_MS;
  if (!await isThere(reading) && !await new SlicedWait(reading, clock).isOverWithin(patienceMs)) {
    throw stalled(what, patienceMs);
  }
  try {
    return await reading;
  } catch (cause) {
    throw new GatewayError("client_closed", `The client left while it sent ${what}`, { cause });
  }
}

/** What has come already is handed over within so many turns. */
const TURN_COUNT = 16;

/** Whether there is no need to wait: most bodies are there with their head, and a timer costs more than they do. */
async function isThere(reading: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settle = () => void (isSettled = true);
  reading.then(settle, settle);
  for (let turn = 0; turn < TURN_COUNT && !isSettled; turn++) await undefined;
  return isSettled;
}

function stalled(what: string, patienceMs: number): GatewayError {
  const idle = formatDuration(patienceMs);
  const message =
    `Cannot read ${what}: nothing of it came for ${idle}; send it again, or raise timeouts.client_body`;
  return new GatewayError("request_timeout", message);
}
