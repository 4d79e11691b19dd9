import { mapConcurrently } from "../concurrent.ts";
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
  return await mapConcurrently(endpoints, concurrency, (endpoint) => probe(endpoint, options));
}
