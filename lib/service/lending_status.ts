import { formatDuration } from "../units.ts";
import type { BeatOutcome } from "../worker/gateway_link.ts";

/** What a worker's status tells of. */
export interface Lending {
  /** Under which name the gateway knows it. */
  readonly name: string;
  /** The gateway. */
  readonly url: string;
  /** How many rpc servers it runs. */
  readonly serverCount: number;
  /** What became of the last report; `undefined` if none was answered yet. */
  readonly outcome: BeatOutcome | undefined;
}

/** `runs 2 rpc servers; joined http://192.168.1.10:11435 as shelf`, or why not. */
export function describeLending({ name, url, serverCount, outcome }: Lending): string {
  const servers = serverCount === 1 ? "1 rpc server" : `${serverCount} rpc servers`;
  if (!outcome) return `runs ${servers}; joins ${url}`;
  if (outcome.kind === "accepted") return `runs ${servers}; joined ${url} as ${name}`;
  return `runs ${servers}; not joined: ${outcome.because}`;
}

/** What a worker does once it was told to end. */
export function describeLeaving(drainMs: number): string {
  return `waits until no coordinator uses its rpc servers, at most ${formatDuration(drainMs)}`;
}
