import type { Clock } from "../clock.ts";
import type { ProbeBackend, ProbeResult } from "../rpc/probe.ts";
import type { ProtocolVersion } from "../rpc/protocol.ts";
import type { KnownBackend } from "./known_backends.ts";
import type { LinkFigures } from "./link_figures.ts";
import type { measureLink } from "./measure_link.ts";

/** What was seen of an rpc backend. */
export interface BackendVisit {
  /** What it answered; `undefined` if it was left in peace, since the gateway knows that it serves somebody. */
  readonly probed: ProbeResult | undefined;
  /** How the way there is; `undefined` where it was not free. */
  readonly link: LinkFigures | undefined;
}

/** With what backends are visited. */
export interface VisitOptions {
  /** Asks one. */
  readonly probe: ProbeBackend;
  /** Measures the way to one that is free. */
  readonly measure: typeof measureLink;
  /** The protocol of our own llama.cpp; `undefined` if nobody knows. */
  readonly wantVersion: ProtocolVersion | undefined;
  /** For the probe, ms. */
  readonly timeoutMs: number;
  /** Time. */
  readonly clock: Clock;
  /** Ends the visit. */
  readonly signal: AbortSignal;
}

/** Asks a backend what it is, and measures the way if it is free: one after the other, since it serves one at a time. */
export async function visitBackend(
  { endpoint, view, limits }: KnownBackend,
  { probe, measure, wantVersion, timeoutMs, clock, signal }: VisitOptions,
): Promise<BackendVisit> {
  // a probe would wait in the queue of one that is held, and there are two places in it
  if (view?.holder !== undefined || view?.health === "held") return { probed: undefined, link: undefined };
  const probed = await probe(endpoint, { signal, timeoutMs, clock, ...(wantVersion && { wantVersion }) });
  const isFree = probed.verdict === "up" && probed.version !== undefined && !limits.isExcluded;
  const link = isFree ? await measure(endpoint, { version: probed.version!, clock, signal }) : undefined;
  return { probed, link };
}
