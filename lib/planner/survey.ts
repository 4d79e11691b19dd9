import { type ErrorCode, GatewayError } from "../errors.ts";
import { formatEndpoint } from "../rpc/endpoint.ts";
import type { ProbeResult } from "../rpc/probe.ts";
import { formatVersion } from "../rpc/protocol.ts";

/** Which rpc backends can be used now, and why the others cannot. */
export interface Survey {
  /** All of one protocol version. */
  readonly usable: readonly ProbeResult[];
  /** The rest, each with a sentence for a person. */
  readonly leftOut: readonly { readonly reason: string; readonly verdict: ProbeResult["verdict"] }[];
}

/**
 * One model cannot mix protocol versions, so there is a survey for each version that is spoken; the one with most
 * memory comes first. Which of them our llama-server speaks is only known when it has started: it does not tell.
 */
export function surveysOf(results: readonly ProbeResult[]): Survey[] {
  const up = results.filter(({ verdict }) => verdict === "up");
  const others = results.filter(({ verdict }) => verdict !== "up");
  const byVersion = Map.groupBy(up, versionOf);
  if (byVersion.size === 0) return [{ usable: [], leftOut: others }];
  const memoryOf = (group: readonly ProbeResult[]) =>
    group.reduce((sum, result) => sum + freeBytes(result), 0);
  return [...byVersion].toSorted(([, a], [, b]) => memoryOf(b) - memoryOf(a)).map(([version, usable]) => {
    const strangers = up.filter((result) => versionOf(result) !== version);
    return { usable, leftOut: [...others, ...strangers.map((result) => toStranger(result, version))] };
  });
}

/** Names the backends that are left out, to follow a sentence; empty if there are none. */
export function leftOutNote({ leftOut }: Survey): string {
  return leftOut.length === 0 ? "" : `. Left out: ${leftOut.map(({ reason }) => reason).join(". ")}`;
}

/** Why a model cannot be served when no backend is usable. */
export function noBackend(name: string, survey: Survey): GatewayError {
  const isHeld = survey.leftOut.some(({ verdict }) => verdict === "held");
  const code: ErrorCode = isHeld ? "no_capacity" : "backend_unreachable";
  const reasons = survey.leftOut.map(({ reason }) => reason).join(". ");
  return new GatewayError(code, `Cannot serve "${name}": none of its rpc backends can be used. ${reasons}`);
}

function toStranger(result: ProbeResult, version: string): Survey["leftOut"][number] {
  const reason =
    `${formatEndpoint(result.endpoint)} speaks rpc protocol ${versionOf(result)}, the others ${version}; ` +
    `install the same llama.cpp build on all`;
  return { verdict: "mismatch", reason };
}

function versionOf({ version }: ProbeResult): string {
  return version ? formatVersion(version) : "unknown";
}

function freeBytes({ devices }: ProbeResult): number {
  return devices.reduce((sum, device) => sum + device.freeBytes, 0);
}
