import type { Endpoint } from "./endpoint.ts";
import { probe, type ProbeOptions, type ProbeResult } from "./probe.ts";

/** How {@linkcode probeAll} works. */
export interface ProbeAllOptions extends ProbeOptions {
  /** How many probes may be under way at once. Default 64. */
  readonly concurrency?: number;
}

/**
 * Probes each endpoint, several at once. `timeoutMs` is for each.
 *
 * @returns The results in the order of the endpoints.
 */
export async function probeAll(
  endpoints: readonly Endpoint[],
  { concurrency = 64, ...options }: ProbeAllOptions = {},
): Promise<ProbeResult[]> {
  const results: ProbeResult[] = [];
  const queue = endpoints.entries();
  const work = async () => {
    for (const [index, endpoint] of queue) results[index] = await probe(endpoint, options);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, endpoints.length) }, work));
  return results;
}
