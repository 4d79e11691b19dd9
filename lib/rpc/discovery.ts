import { type Clock, systemClock } from "../clock.ts";
import { mapConcurrently } from "../concurrent.ts";
import { DEFAULT_RPC_PORT, type Endpoint } from "./endpoint.ts";
import { ParkedProbes } from "./parked_probes.ts";
import { probe as probeBackend, type ProbeBackend, type ProbeOptions, type ProbeResult } from "./probe.ts";
import type { ProtocolVersion } from "./protocol.ts";

/** The most probes that are under way at once, each with one socket. */
const MAX_CONCURRENCY = 64;
/** For how long one that seems to be held is waited for, at least. */
const PATIENCE_MS = 1_000;

/** How {@linkcode discover} works. */
export interface DiscoveryOptions {
  /** Ports to ask at each address. Default: 50052 alone. */
  readonly ports?: readonly number[];
  /** How many probes may be under way at once, 64 at most, which is the default. */
  readonly concurrency?: number;
  /** For each probe, ms. Default 500: machines of one's own network answer in a few. */
  readonly timeoutMs?: number;
  /** The protocol of our own llama.cpp: any other is a `mismatch`. */
  readonly wantVersion?: ProtocolVersion | undefined;
  /** Ends the scan; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Is told of each endpoint where something listens, as soon as it is known. */
  readonly onFound?: (found: ProbeResult) => void;
  /** Is told after each probe how many have ended, of how many. */
  readonly onProgress?: (doneCount: number, totalCount: number) => void;
  /** How one endpoint is asked. Default: {@linkcode probeBackend}, which harms no backend that is in use. */
  readonly probe?: ProbeBackend;
  /** Time; default is the host's. */
  readonly clock?: Clock;
}

/** What a scan found. */
export interface Discovery {
  /** Where something listens, whatever it is, by address and port. */
  readonly found: readonly ProbeResult[];
  /** How many endpoints were asked. */
  readonly askedCount: number;
  /** How many of them refused the connection or did not answer at all. */
  readonly unansweredCount: number;
  /** How long it took, ms. */
  readonly elapsedMs: number;
}

/**
 * Asks each address whether an rpc backend listens there. Nobody's network is to be scanned unasked: call this only
 * because a person said so, with the addresses that `parseIpv4Range()` lets through.
 *
 * @throws The signal's reason.
 */
export async function discover(
  addresses: readonly string[],
  options: DiscoveryOptions = {},
): Promise<Discovery> {
  const { ports, concurrency, timeoutMs } = withDefaults(options);
  const { wantVersion, signal, onFound, onProgress, probe = probeBackend, clock = systemClock } = options;
  const endpoints = addresses.flatMap((host) => ports.map((port) => ({ host, port })));
  const probeOptions = { timeoutMs, ...(wantVersion && { wantVersion }), ...(signal && { signal }) };
  const startMs = clock.monotonic();
  let doneCount = 0;
  const results = await mapConcurrently(endpoints, concurrency, async (endpoint) => {
    const result = await lookTwice(endpoint, { probe, clock, probeOptions });
    doneCount++;
    if (isAnswer(result)) onFound?.(result);
    onProgress?.(doneCount, endpoints.length);
    return result;
  });
  const found = results.filter(isAnswer);
  return {
    found,
    askedCount: endpoints.length,
    unansweredCount: endpoints.length - found.length,
    elapsedMs: clock.monotonic() - startMs,
  };
}

/** How long a scan of so many addresses takes if none of them answers, in milliseconds. Held ones add a second each. */
export function longestScanMs(addressCount: number, options: DiscoveryOptions = {}): number {
  const { ports, concurrency, timeoutMs } = withDefaults(options);
  return Math.ceil(addressCount * ports.length / concurrency) * timeoutMs;
}

/**
 * One that seems to be held may only have been slow, or this machine was, while it asked so many. The connection that
 * waits in its queue tells: whoever is free closes it. No further one is made before that.
 */
async function lookTwice(
  endpoint: Endpoint,
  { probe, clock, probeOptions }: Pick<Required<DiscoveryOptions>, "probe" | "clock"> & {
    probeOptions: ProbeOptions & { timeoutMs: number };
  },
): Promise<ProbeResult> {
  using parked = new ParkedProbes(clock);
  const first = await probe(endpoint, { ...probeOptions, parked });
  if (first.verdict !== "held") return first;
  const { signal, timeoutMs } = probeOptions;
  await clock.sleep(PATIENCE_MS, signal && { signal });
  const options = { ...probeOptions, parked, timeoutMs: Math.max(timeoutMs, PATIENCE_MS) };
  const second = await probe(endpoint, options);
  return { ...second, connectMs: second.connectMs ?? first.connectMs };
}

function withDefaults(
  { ports = [DEFAULT_RPC_PORT], concurrency = MAX_CONCURRENCY, timeoutMs = 500 }: DiscoveryOptions,
) {
  return { ports: [...new Set(ports)], concurrency: Math.min(concurrency, MAX_CONCURRENCY), timeoutMs };
}

/** Whether something took the connection. */
function isAnswer({ connectMs }: ProbeResult): boolean {
  return connectMs !== undefined;
}
