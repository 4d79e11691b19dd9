import { endpointsAt } from "./backend_sockets.ts";
import type { ProcessWork } from "../process/process_work.ts";
import type { BackendConnection } from "./sent_bytes.ts";

/** What the kernel shows of a coordinator that loads. */
export interface LoadLook {
  /** Its connections to rpc backends. */
  readonly connections: readonly BackendConnection[];
  /** What it has done itself; `undefined` where nobody tells, and then nothing is judged. */
  readonly work: ProcessWork | undefined;
}

/** A load that stands still. */
export interface LoadStall {
  /** For so long, ms. */
  readonly stillMs: number;
  /** `host:port` of the rpc backend that takes none of the bytes that wait for it; `undefined` if that is not just one. */
  readonly deafEndpoint: string | undefined;
}

/** What a {@linkcode LoadJudge} goes by. */
export interface LoadJudgeOptions {
  /** `host:port` of the rpc backends, as llama-server was told. */
  readonly endpoints: readonly string[];
  /** For how long a load may stand still, ms; read at each look. */
  readonly patience: { readonly stallMs: number };
}

/**
 * Where nothing waits to be sent, llama-server waits for an answer: the backend may clear a large buffer, or read a
 * tensor from its own cache on a slow disk. It gets so many times the patience.
 */
const ANSWER_PATIENCE = 2;
/** Below this share of one core it only answers those who ask how it is. */
const IDLE_CPU_SHARE = 0.05;
/** What one look may add to a standstill: nobody knows how long we did not run ourselves. */
const MOST_STILL_MS = 5_000;

/**
 * Judges by looks at the kernel's figures whether a load hangs: a backend that is frozen, or cut off by a network that
 * swallows packets, holds llama-server for ever. It hangs if no byte moved on any connection to a backend, and
 * llama-server itself neither computed nor read: a slow network moves bytes, a slow disk brings some. Pure.
 *
 * It is for the time until the weights are there and no longer: what warms up waits for its backends in silence, and
 * nothing tells one that computes for minutes from one that hangs.
 */
export class LoadJudge {
  #before: { readonly look: LoadLook; readonly nowMs: number } | undefined;
  #stillMs = 0;

  /** Has seen nothing yet. */
  constructor(private readonly options: LoadJudgeOptions) {}

  /**
   * Takes a look.
   *
   * @param nowMs When it was over, of the same monotonic clock as all others.
   * @returns How it stands still, if it hangs.
   */
  judge(look: LoadLook, nowMs: number): LoadStall | undefined {
    const before = this.#before;
    this.#before = { look, nowMs };
    if (!before) return undefined;
    const elapsedMs = nowMs - before.nowMs;
    const isStill = !hasWorked(before.look.work, look.work, elapsedMs) &&
      movedOn(before.look.connections) === movedOn(look.connections);
    this.#stillMs = isStill ? this.#stillMs + Math.min(elapsedMs, MOST_STILL_MS) : 0;
    const waiting = look.connections.filter(({ waitingBytes }) => waitingBytes > 0);
    const { endpoints, patience } = this.options;
    const patienceMs = patience.stallMs * (waiting.length > 0 ? 1 : ANSWER_PATIENCE);
    if (!isStill || this.#stillMs < patienceMs) return undefined;
    const deaf = new Set(waiting.map(({ remote }) => onlyOne(endpointsAt(remote, endpoints))));
    return { stillMs: this.#stillMs, deafEndpoint: deaf.size === 1 ? [...deaf][0] : undefined };
  }
}

/** All that counts bytes on the connections: it changes when one moves. */
function movedOn(connections: readonly BackendConnection[]): string {
  return connections.map(({ inode, ackedBytes, receivedBytes, waitingBytes }) =>
    [inode, ackedBytes, receivedBytes, waitingBytes].join(" ")
  ).toSorted().join(", ");
}

/** Where it is not known, it may have. */
function hasWorked(
  before: ProcessWork | undefined,
  now: ProcessWork | undefined,
  elapsedMs: number,
): boolean {
  if (!before || !now || now.waitsForDisk) return true;
  return now.readBytes !== before.readBytes || now.majorFaultCount !== before.majorFaultCount ||
    now.cpuMs - before.cpuMs > elapsedMs * IDLE_CPU_SHARE;
}

function onlyOne(endpoints: readonly string[]): string | undefined {
  return endpoints.length === 1 ? endpoints[0] : undefined;
}
