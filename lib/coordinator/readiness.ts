import type { Clock } from "../clock.ts";
import { parseUpstreamUrl, type UpstreamAddress } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import type { ServerAddress } from "../llama_server/args.ts";
import { LlamaServerClient } from "../llama_server/client.ts";
import type { CoordinatorLog } from "./coordinator_log.ts";

/** Who is waited for. */
export interface ReadinessOptions {
  /** What it was started with; port 0 is looked up in the log. */
  listen: ServerAddress;
  /** Fed by its output meanwhile. */
  log: CoordinatorLog;
  /** The key that it was started with. */
  apiKey: string;
  /** Stays the caller's to dispose. */
  http: HttpClient;
  /** Times the pauses between two questions. */
  clock: Clock;
  /** Ends the wait: a client that left, a deadline, the death of the process. */
  signal: AbortSignal;
}

const FIRST_PAUSE_MS = 10;
const LAST_PAUSE_MS = 250;
const LONGEST_LOG_LAG_MS = 1_000;

/**
 * Waits until a llama-server answers `/health` with 200. Its own word that it listens ends a pause at once; asking
 * goes on without it, should a build say it in other words.
 *
 * @returns Where it listens.
 * @throws The signal's reason.
 */
export async function untilReady(options: ReadinessOptions): Promise<UpstreamAddress> {
  const { log, clock, signal } = options;
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(pauseMs * 1.5, LAST_PAUSE_MS)) {
    const address = addressOf(options);
    if (address && await isHealthy(address, options)) return address;
    const wake = log.listening.aborted ? signal : AbortSignal.any([signal, log.listening]);
    await clock.sleep(pauseMs, { signal: wake }).catch(() => signal.throwIfAborted());
  }
}

/**
 * Waits until the log has caught up with the answers: what comes through a pipe may be read later than what comes
 * through a socket. A build that words its last line differently costs a second.
 */
export async function untilLogCaughtUp({ log, clock, signal }: ReadinessOptions): Promise<void> {
  if (log.listening.aborted) return;
  const wake = AbortSignal.any([signal, log.listening]);
  await clock.sleep(LONGEST_LOG_LAG_MS, { signal: wake }).catch(() => signal.throwIfAborted());
}

/** A port that the kernel chose is known only when the log tells it. */
function addressOf({ listen, log }: ReadinessOptions): UpstreamAddress | undefined {
  if (listen.transport === "unix") return listen;
  if (listen.port !== 0) return { transport: "tcp", hostname: listen.hostname, port: listen.port };
  return log.url === undefined ? undefined : parseUpstreamUrl(log.url).address;
}

async function isHealthy(
  address: UpstreamAddress,
  { http, apiKey, signal }: ReadinessOptions,
): Promise<boolean> {
  const { kind } = await new LlamaServerClient(http, address, apiKey).health({ signal });
  return kind === "ok";
}
