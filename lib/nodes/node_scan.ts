import { type Clock, systemClock } from "../clock.ts";
import { mapConcurrently } from "../concurrent.ts";
import { Deadline } from "../deadline.ts";
import { parseUpstreamUrl } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import { checkNode, type NodeFinding } from "./node_check.ts";
import { OLLAMA_PORT, parseNodeUrl } from "./node_url.ts";

/** The most addresses that are asked at once, each over two connections at most. */
const MAX_CONCURRENCY = 64;

/** An address where something answered. */
export interface ScannedNode {
  /** As `parseNodeUrl()` writes it. */
  readonly url: string;
  /** Whether it is an Ollama that can be used. */
  readonly isUp: boolean;
  /** Ollama's own; `undefined` if it is not up. */
  readonly version: string | undefined;
  /** How many models it holds; `undefined` if it is not up. */
  readonly modelCount: number | undefined;
  /** Why it is not up, in a clause; `undefined` if it is. */
  readonly reason: string | undefined;
}

/** How {@linkcode scanForNodes} works. */
export interface NodeScanOptions {
  /** Stays the caller's to dispose. */
  readonly http: Pick<HttpClient, "send">;
  /** Ports to ask at each address. Default: 11434 alone. */
  readonly ports?: readonly number[];
  /** For all that is asked of one address and port, ms. Default 500: machines of one's own network answer in a few. */
  readonly timeoutMs?: number;
  /** Ends the scan; it then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Is told of each address where something answers, as soon as it is known. */
  readonly onFound?: (found: ScannedNode) => void;
  /** Is told after each how many have been asked, of how many. */
  readonly onProgress?: (doneCount: number, totalCount: number) => void;
  /** Time; default is the host's. */
  readonly clock?: Clock;
}

/** What a scan found. */
export interface NodeScan {
  /** Where something answers, Ollama or not, by address and port. */
  readonly found: readonly ScannedNode[];
  /** How many addresses and ports were asked. */
  readonly askedCount: number;
  /** How many of them refused the connection or did not answer in time. */
  readonly unansweredCount: number;
  /** How long it took, ms. */
  readonly elapsedMs: number;
}

/**
 * Asks each address whether an Ollama listens there. Nobody's network is to be scanned unasked: call this only because
 * a person said so, with the addresses that `parseIpv4Range()` lets through. Those where no node may be are not asked.
 *
 * @throws The signal's reason.
 */
export async function scanForNodes(
  addresses: readonly string[],
  options: NodeScanOptions,
): Promise<NodeScan> {
  const { ports = [OLLAMA_PORT], onFound, onProgress, clock = systemClock } = options;
  const urls = addresses.flatMap((host) => [...new Set(ports)].flatMap((port) => nodeUrl(host, port) ?? []));
  const startMs = clock.monotonic();
  let doneCount = 0;
  const results = await mapConcurrently(urls, MAX_CONCURRENCY, async (url) => {
    const found = scannedNode(url, await check(url, { ...options, clock }));
    doneCount++;
    if (found) onFound?.(found);
    onProgress?.(doneCount, urls.length);
    return found;
  });
  const found = results.filter((result) => result !== undefined);
  return {
    found,
    askedCount: urls.length,
    unansweredCount: urls.length - found.length,
    elapsedMs: clock.monotonic() - startMs,
  };
}

/** How long a scan of so many addresses and ports takes if none of them answers, ms. */
export function longestNodeScanMs(count: number, timeoutMs: number): number {
  return Math.ceil(count / MAX_CONCURRENCY) * timeoutMs;
}

/** @returns `undefined` if it did not answer in time. */
async function check(
  url: string,
  { http, clock, signal, timeoutMs = 500 }: NodeScanOptions & { clock: Clock },
): Promise<NodeFinding | undefined> {
  using deadline = new Deadline(clock, timeoutMs, { signal });
  try {
    return await checkNode({ ...parseUpstreamUrl(url), headers: [] }, {
      http,
      clock,
      signal: deadline.signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.hasPassed) return undefined;
    throw error;
  }
}

function scannedNode(url: string, finding: NodeFinding | undefined): ScannedNode | undefined {
  if (finding?.health === "up") {
    const { version, listed } = finding;
    return { url, isUp: true, version, modelCount: listed.models.size, reason: undefined };
  }
  if (finding?.cause !== "unfit") return undefined;
  return { url, isUp: false, version: undefined, modelCount: undefined, reason: finding.reason };
}

/** @returns `undefined` for addresses where no node may be. */
function nodeUrl(host: string, port: number): string | undefined {
  try {
    return parseNodeUrl(`${host}:${port}`);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
