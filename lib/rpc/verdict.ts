import { formatBytes, formatDuration } from "../units.ts";
import type { DeviceMemory } from "./answer_decoder.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { formatVersion, isAcceptedByClient, isSameVersion, type ProtocolVersion } from "./protocol.ts";

/**
 * What a probe says of an rpc backend: it can be used (`up`); it serves another client (`held`); it is not
 * reachable or broken (`down`); its protocol is another (`mismatch`); something else listens there (`not-rpc`).
 */
export type Verdict = "up" | "held" | "down" | "mismatch" | "not-rpc";

/** What a probe saw; {@linkcode judge} says what it means. */
export type Finding =
  /** It answered in full. Before protocol 4.0 only the version is asked, and `devices` is empty. */
  | {
    readonly kind: "answered";
    readonly version: ProtocolVersion;
    readonly devices: readonly DeviceMemory[];
  }
  /** The connection failed; `code` is the system's, such as `ECONNREFUSED`. */
  | { readonly kind: "unreachable"; readonly code: string }
  /** No answer to the connection attempt, neither yes nor no. */
  | { readonly kind: "connect timeout"; readonly waitedMs: number }
  /** It took the connection and has not served it: known for `waitedMs`. */
  | { readonly kind: "queued"; readonly waitedMs: number }
  /** It served an empty connection, but then sent only so much of its answer. */
  | { readonly kind: "answer timeout"; readonly waitedMs: number; readonly receivedBytes: number }
  /** It closed amid its answer; zero bytes if it does not answer at all. */
  | { readonly kind: "closed"; readonly receivedBytes: number }
  /** It sent what no rpc backend sends. */
  | { readonly kind: "foreign"; readonly looksLike: string | undefined; readonly detail: string };

/**
 * What a finding means, and a sentence for a person: what is wrong, and what to do.
 *
 * @param wantVersion The protocol of our own llama.cpp. Without it every version since 4.0 will do.
 */
export function judge(
  finding: Finding,
  endpoint: Endpoint,
  wantVersion?: ProtocolVersion,
): { verdict: Verdict; reason: string } {
  const where = formatEndpoint(endpoint);
  switch (finding.kind) {
    case "answered":
      return judgeAnswer(finding, where, wantVersion);
    case "unreachable":
      return { verdict: "down", reason: explainUnreachable(finding.code, endpoint) };
    case "connect timeout":
      return {
        verdict: "down",
        reason:
          `${where} did not take a connection within ${
            formatDuration(finding.waitedMs)
          }: the machine is off, ` +
          `a firewall drops packets, or other clients fill its queue of two; check these in turn`,
      };
    case "queued":
      return {
        verdict: "held",
        reason:
          `${where} serves another client, or hangs, for ${formatDuration(finding.waitedMs)} at least; ` +
          `stop the coordinator that uses it, or start a second ggml-rpc-server there on another port`,
      };
    case "answer timeout":
      return judgeSlowness(finding, where);
    case "closed":
      return judgeClosing(finding, where);
    case "foreign":
      return {
        verdict: "not-rpc",
        reason: finding.looksLike
          ? `${where} is ${finding.looksLike}, not a ggml-rpc-server; check the port`
          : `${where} does not speak the rpc protocol: ${finding.detail}; check the port`,
      };
  }
}

function judgeAnswer(
  { version, devices }: Finding & { kind: "answered" },
  where: string,
  want: ProtocolVersion | undefined,
): { verdict: Verdict; reason: string } {
  const speaks = `${where} speaks rpc protocol ${formatVersion(version)}`;
  if (version.major < 4) {
    return { verdict: "mismatch", reason: `${speaks}, which is older than 4.0; update llama.cpp there` };
  }
  if (want && !isSameVersion(want, version)) {
    const outcome = isAcceptedByClient(want, version)
      ? "they would connect, but may number tensor operations differently"
      : "llama.cpp refuses that";
    return {
      verdict: "mismatch",
      reason: `${speaks}, ours is ${
        formatVersion(want)
      }: ${outcome}; install the same llama.cpp build on both`,
    };
  }
  if (devices.length === 0) {
    return {
      verdict: "down",
      reason: `${where} offers no device; start ggml-rpc-server there with --device`,
    };
  }
  const freeBytes = devices.reduce((sum, device) => sum + device.freeBytes, 0);
  const count = devices.length === 1 ? "1 device" : `${devices.length} devices`;
  return { verdict: "up", reason: `${speaks} and offers ${count} with ${formatBytes(freeBytes)} free` };
}

function explainUnreachable(code: string, endpoint: Endpoint): string {
  const where = formatEndpoint(endpoint);
  switch (code) {
    case "ECONNREFUSED":
      return `Nothing listens at ${where}; start ggml-rpc-server there`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "ENODATA":
      return `Cannot resolve "${endpoint.host}" to an IPv4 address; check the name, or write the address`;
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `No route to ${where}; check that the machine is on and in a network that this one reaches`;
    default:
      return `Cannot connect to ${where} (${code}); check the address, firewalls and permissions`;
  }
}

function judgeSlowness(
  { waitedMs, receivedBytes }: Finding & { kind: "answer timeout" },
  where: string,
): { verdict: Verdict; reason: string } {
  const waited = formatDuration(waitedMs);
  if (receivedBytes > 0) {
    return {
      verdict: "down",
      reason:
        `${where} sent only ${receivedBytes} bytes of its answer in ${waited}; check its load and the network`,
    };
  }
  return {
    verdict: "held",
    reason: `${where} was free but did not answer within ${waited}: another client took it just then, ` +
      `or it is no ggml-rpc-server; probe again, then check the port`,
  };
}

function judgeClosing(
  { receivedBytes }: Finding & { kind: "closed" },
  where: string,
): { verdict: Verdict; reason: string } {
  if (receivedBytes > 0) {
    return {
      verdict: "down",
      reason:
        `${where} closed after ${receivedBytes} bytes of its answer; look into the log of its ggml-rpc-server`,
    };
  }
  return {
    verdict: "not-rpc",
    reason:
      `${where} closes without an answer: it is no ggml-rpc-server, or one older than April 2025 (b5150); ` +
      `check the port, then update llama.cpp there`,
  };
}
