import { type ErrorCode, GatewayError } from "../errors.ts";
import type { BackendHealth, BackendView } from "../rpc/backend.ts";
import type { PlanBackend } from "./plan_input.ts";

/** An rpc backend that a model cannot be planned onto. */
export interface LeftOut {
  /** `host:port`. */
  readonly endpoint: string;
  /** How it is; one that is `up` is excluded by the operator, or runs another llama.cpp than the others. */
  readonly health: BackendHealth;
  /** A sentence for a person: why, and what to do. */
  readonly reason: string;
}

/** Which rpc backends can be planned with together, and why the others cannot. */
export interface Survey {
  /** All of one rpc protocol and, where it is known, of one llama.cpp build. */
  readonly usable: readonly PlanBackend[];
  /** The rest. */
  readonly leftOut: readonly LeftOut[];
}

const NOBODY: ReadonlySet<string> = new Set();

/**
 * One model cannot mix protocols or builds: tensor operations are numbered differently. So there is a survey for each
 * that is run; the one with most memory comes first.
 *
 * @param freed Backends that our own coordinators hold, but that are taken for free, as they are once these have been
 *   stopped: all of them, or these endpoints. Default: none.
 */
export function surveysOf(
  views: readonly BackendView[],
  { freed = NOBODY }: { freed?: "all" | ReadonlySet<string> } = {},
): Survey[] {
  const isFreed = ({ endpoint, health, holder }: BackendView): boolean =>
    health === "held" && holder !== undefined && (freed === "all" || freed.has(endpoint));
  const isUsable = (view: BackendView): boolean =>
    !view.limits.isExcluded && !view.isDraining && view.devices.length > 0 &&
    (view.health === "up" || isFreed(view));
  const usable = views.filter(isUsable);
  const others = views.filter((view) => !isUsable(view)).map(leaveOut);
  const groups = groupsOf(usable);
  if (groups.length === 0) return [{ usable: [], leftOut: others }];
  return groups.toSorted((a, b) => freeBytesOf(b) - freeBytesOf(a)).map((group) => ({
    usable: group.map(toPlanBackend),
    leftOut: [
      ...others,
      ...usable.filter((view) => !group.includes(view)).map((view) => toStranger(view, group)),
    ],
  }));
}

/** Names the backends that are left out, to follow a sentence; empty if there are none. */
export function leftOutNote({ leftOut }: Pick<Survey, "leftOut">): string {
  return leftOut.length === 0 ? "" : `. Left out: ${leftOut.map(({ reason }) => reason).join(". ")}`;
}

/** Why a model cannot be served when no backend is usable. */
export function noBackend(name: string, { leftOut }: Pick<Survey, "leftOut">): GatewayError {
  if (leftOut.length === 0) {
    const cure = "start `sollol worker` on a machine, or ggml-rpc-server and `sollol register`";
    return new GatewayError("no_capacity", `Cannot serve "${name}": no rpc backend is left; ${cure}`);
  }
  const isHeld = leftOut.some(({ health }) => health === "held");
  const code: ErrorCode = isHeld ? "no_capacity" : "backend_unreachable";
  const reasons = leftOut.map(({ reason }) => reason).join(". ");
  return new GatewayError(code, `Cannot serve "${name}": none of its rpc backends can be used. ${reasons}`);
}

/** By protocol, and within it by build; one whose build nobody told goes with each. */
function groupsOf(usable: readonly BackendView[]): BackendView[][] {
  return [...Map.groupBy(usable, ({ protocol }) => protocol).values()].flatMap((same) => {
    const builds = new Set(same.flatMap(({ build }) => build ?? []));
    if (builds.size <= 1) return [same];
    return [...builds].map((build) =>
      same.filter((view) => view.build === undefined || view.build === build)
    );
  });
}

function leaveOut(
  { endpoint, health, reason, limits, devices, isDraining, workerName }: BackendView,
): LeftOut {
  if (limits.isExcluded) return { endpoint, health, reason: `${endpoint} is excluded by the operator` };
  if (isDraining) {
    return { endpoint, health, reason: `${endpoint} is about to stop with its worker ${workerName}` };
  }
  if (health === "up" && devices.length === 0) {
    return { endpoint, health, reason: `${endpoint} has not told of any device yet; try again` };
  }
  return { endpoint, health, reason };
}

function toStranger(view: BackendView, group: readonly BackendView[]): LeftOut {
  const reason = `${view.endpoint} runs ${softwareOf(view)}, the others ${softwareOf(group[0]!)}; ` +
    `install the same llama.cpp build on all`;
  return { endpoint: view.endpoint, health: view.health, reason };
}

function softwareOf({ protocol = "an unknown one", build }: BackendView): string {
  return `rpc protocol ${protocol}${build === undefined ? "" : ` (${build})`}`;
}

function toPlanBackend({ endpoint, aliases, devices, limits }: BackendView): PlanBackend {
  const { memoryLimitBytes, bytesPerSecond } = limits;
  return {
    endpoint,
    aliases,
    devices: devices.map(({ index: deviceIndex, kind, name, freeBytes, totalBytes, memoryKey }) => {
      return { endpoint, deviceIndex, kind, name, freeBytes, totalBytes, memoryKey };
    }),
    memoryLimitBytes,
    bytesPerSecond,
  };
}

function freeBytesOf(group: readonly BackendView[]): number {
  return group.flatMap(({ devices }) => devices).reduce((sum, { freeBytes }) => sum + freeBytes, 0);
}
