import { type ErrorCode, GatewayError } from "../errors.ts";
import type { FailureKind, LogFailure, RefusedBuffer } from "../llama_server/failure_line.ts";
import type { ChildExit } from "../process/child_exit.ts";
import { formatBytes, formatDuration } from "../units.ts";
import type { BackendFinding } from "./diagnosis.ts";
import type { LoadStall } from "./load_judge.ts";

/** Why a coordinator is no more. */
export class CoordinatorDeath extends Error {
  /** Tells it from other errors. */
  override readonly name = "CoordinatorDeath";
  /** How the process ended. */
  readonly exit: ChildExit;
  /** What kind of trouble its log told of. */
  readonly kind: FailureKind | undefined;
  /** `host:port` of the rpc backend that probably caused it. */
  readonly suspectEndpoint: string | undefined;
  /** Whether it was our wish. */
  readonly isWanted: boolean;

  /** Takes the facts as they are; {@linkcode describeDeath} finds the sentence. */
  constructor(message: string, facts: Omit<CoordinatorDeath, keyof Error>) {
    super(message);
    this.exit = facts.exit;
    this.kind = facts.kind;
    this.suspectEndpoint = facts.suspectEndpoint;
    this.isWanted = facts.isWanted;
  }
}

const CODES: Readonly<Record<FailureKind, ErrorCode>> = {
  connect_failed: "backend_unreachable",
  cannot_resolve: "backend_unreachable",
  bad_endpoint: "backend_unreachable",
  version_mismatch: "backend_unreachable",
  handshake_failed: "backend_unreachable",
  backend_lost: "backend_unreachable",
  missing_device: "backend_unreachable",
  out_of_memory: "insufficient_memory",
  model_missing: "model_unusable",
  model_not_gguf: "model_unusable",
  model_truncated: "model_unusable",
  unknown_architecture: "model_unusable",
  mmproj_failed: "model_unusable",
  lora_failed: "model_unusable",
  load_failed: "model_unusable",
  cannot_listen: "upstream_failed",
  bad_option: "upstream_failed",
};

/** Why a coordinator that lived was killed. */
export interface Fault {
  /** What is wrong with it, to follow "because". */
  readonly reason: string;
  /** `host:port` of the rpc backend at fault, where that is known. */
  readonly suspectEndpoint?: string | undefined;
  /** Whether no rpc backend is at fault: none is probed for it. Default false. */
  readonly isItsOwn?: boolean | undefined;
}

/** What is known when a coordinator died. */
export interface DeathFacts {
  /** The model's name, for sentences. */
  readonly model: string;
  /** How the process ended. */
  readonly exit: ChildExit;
  /** The most telling failure in its log; `undefined` if it died without a word. */
  readonly cause: LogFailure | undefined;
  /** Rpc backends in trouble, probed after the death. */
  readonly trouble: readonly BackendFinding[];
  /** All rpc backends that it used. */
  readonly endpoints: readonly string[];
}

/** Whether a probe after the death could name the rpc backend at fault, which the log did not. */
export function needsSuspect(exit: ChildExit, cause: LogFailure | undefined): boolean {
  if (cause?.endpoint !== undefined) return false;
  return cause ? CODES[cause.kind] === "backend_unreachable" : exit.signal !== undefined;
}

/** The rpc backend that probably caused it: named by the log, found by a probe, or the only one there is. */
export function suspectOf({ cause, trouble, endpoints }: DeathFacts): string | undefined {
  if (cause?.endpoint !== undefined) return cause.endpoint;
  const suspect = trouble.find(({ verdict }) => verdict === "down") ?? trouble[0];
  if (suspect) return suspect.endpoint;
  const isBackendFault = cause !== undefined && CODES[cause.kind] === "backend_unreachable";
  return isBackendFault && endpoints.length === 1 ? endpoints[0] : undefined;
}

/**
 * A coordinator that died while it served.
 *
 * @param how `fault`: why it was killed, if it hung.
 */
export function describeDeath(
  facts: DeathFacts,
  how: { isWanted: boolean; fault?: Fault | undefined },
): CoordinatorDeath {
  const { isWanted } = how;
  const message = `The coordinator of "${facts.model}" ${describeEnd(facts, how)}`;
  return new CoordinatorDeath(message, {
    exit: facts.exit,
    kind: facts.cause?.kind,
    suspectEndpoint: isWanted ? undefined : how.fault?.suspectEndpoint ?? suspectOf(facts),
    isWanted,
  });
}

function describeEnd(
  facts: DeathFacts,
  { isWanted, fault }: { isWanted: boolean; fault?: Fault | undefined },
): string {
  if (isWanted) return "was stopped";
  if (fault === undefined) return `died: ${explain(facts)}`;
  const suspects = facts.trouble.map(({ reason }) => reason).join("; ");
  return `was ended because ${fault.reason}${suspects === "" ? "" : `: ${suspects}`}`;
}

/** A coordinator could not be started. */
export class CoordinatorStartError extends GatewayError {
  /**
   * Takes the facts as they are.
   *
   * @param kind What kind of trouble its log told of.
   * @param suspectEndpoint `host:port` of the rpc backend that probably caused it.
   * @param refused What that backend could not allocate, if that is what failed.
   */
  constructor(
    code: ErrorCode,
    message: string,
    readonly kind: FailureKind | undefined,
    readonly suspectEndpoint: string | undefined,
    readonly refused?: RefusedBuffer | undefined,
  ) {
    super(code, message);
  }
}

/** A coordinator that died before it served. */
export function describeFailedStart(facts: DeathFacts): CoordinatorStartError {
  const { cause, trouble, model } = facts;
  const code = cause ? CODES[cause.kind] : trouble.length > 0 ? "backend_unreachable" : "upstream_failed";
  const message = `Cannot start a coordinator for "${model}": ${explain(facts)}`;
  const suspect = code === "backend_unreachable" ? suspectOf(facts) : cause?.refused && cause.endpoint;
  return new CoordinatorStartError(code, message, cause?.kind, suspect, cause?.refused);
}

/** A coordinator that waits for its rpc backends in silence. */
export function describeSilence(
  model: string,
  waited: string,
  trouble: readonly BackendFinding[],
): CoordinatorStartError {
  const isOnlyHeld = trouble.length > 0 && trouble.every(({ verdict }) => verdict === "held");
  const why = trouble.length > 0
    ? trouble.map(({ reason }) => reason).join("; ")
    : "now all of them answer a probe, so another coordinator may just have left; try again";
  return new CoordinatorStartError(
    isOnlyHeld || trouble.length === 0 ? "no_capacity" : "backend_unreachable",
    `Cannot start a coordinator for "${model}": its rpc backends did not answer it within ${waited}; ${why}`,
    undefined,
    trouble[0]?.endpoint,
  );
}

/** A load that stands still, and how far it was. */
export interface StalledLoadFacts extends LoadStall {
  /** Bytes of weights that had arrived. */
  readonly sentBytes: number;
  /** Of so many. */
  readonly totalBytes: number;
}

/**
 * A coordinator whose weights did not arrive any more.
 *
 * @param trouble What a probe found, if no endpoint was deaf. One that is only held is at fault as well: nobody else
 *   had it while this one loaded.
 */
export function describeStalledLoad(
  model: string,
  { stillMs, deafEndpoint, sentBytes, totalBytes }: StalledLoadFacts,
  trouble: readonly BackendFinding[],
): CoordinatorStartError {
  const found = trouble.map(({ reason }) => reason).join("; ");
  const why = deafEndpoint !== undefined
    ? `the rpc backend ${deafEndpoint} takes no more; look whether it hangs, and at the network to it`
    : found || "now all of its rpc backends answer a probe; try again";
  return new CoordinatorStartError(
    "backend_unreachable",
    `Cannot start a coordinator for "${model}": ${formatBytes(sentBytes)} of ${formatBytes(totalBytes)} ` +
      `had arrived, then nothing for ${formatDuration(stillMs)}; ${why}`,
    undefined,
    deafEndpoint ?? (trouble.find(({ verdict }) => verdict === "down") ?? trouble[0])?.endpoint,
  );
}

function explain({ cause, trouble, exit }: DeathFacts): string {
  const found = trouble.map(({ reason }) => reason).join("; ");
  if (cause && found) return `${cause.sentence} (${found})`;
  return cause?.sentence ??
    (found ? `llama-server ${exit.sentence}; ${found}` : `llama-server ${exit.sentence}`);
}
