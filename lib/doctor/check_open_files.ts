import { type Finding, ok, skip, warn } from "./finding.ts";
import type { Machine } from "./machine.ts";

/** Logs, the database, libraries, pipes of coordinators, watches of backends. */
const OWN_FILES = 256;
/** A client's connection, and the one to the upstream that answers it. */
const FILES_PER_CONNECTION = 2;

/** Which process's limit counts, and what it has to hold. */
export interface OpenFilesQuestion {
  /** `limits.connections`. */
  readonly connectionCount: number;
  /** The gateway that runs as a service; `undefined`: this process, which has what its shell gives. */
  readonly gatewayPid: number | undefined;
}

/** Whether a gateway may open as many files as it takes connections. */
export async function examineOpenFiles(
  machine: Pick<Machine, "os" | "readText">,
  { connectionCount, gatewayPid }: OpenFilesQuestion,
): Promise<Finding> {
  const ofGateway = gatewayPid === undefined
    ? undefined
    : await machine.readText(`/proc/${gatewayPid}/limits`);
  const text = ofGateway ?? await machine.readText("/proc/self/limits");
  const [, limitText] = /^Max open files\s+(\d+|unlimited)\s/m.exec(text ?? "") ?? [];
  if (limitText === undefined) return skip(`${machine.os} does not tell`);
  const limit = limitText === "unlimited" ? Infinity : Number(limitText);
  const need = connectionCount * FILES_PER_CONNECTION + OWN_FILES;
  const figures = { limit: limitText, need, connectionCount };
  const seen = `${limitText} files may be open`;
  if (limit >= need) return ok(`${seen}; ${need} are the most that are needed`, figures);
  const fitting = Math.max(1, Math.floor((limit - OWN_FILES) / FILES_PER_CONNECTION));
  return warn(
    `${seen}, but limits.connections of ${connectionCount} may need ${need}`,
    ofGateway === undefined
      ? `ulimit -n ${need} before you start it, or limits.connections: ${fitting}`
      : `LimitNOFILE=${need} in its unit, or limits.connections: ${fitting}`,
    figures,
  );
}
