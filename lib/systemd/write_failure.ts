import { GatewayError, messageOf } from "../errors.ts";

const CURES: Readonly<Record<string, string>> = {
  EROFS:
    "that file system is read-only, so the configuration of this system has to bring the unit: without an action its " +
    "text is printed. Or use your own systemd by --user",
  EACCES: "run it as root, or use your own systemd by --user",
  EPERM: "run it as root, or use your own systemd by --user",
  ENOSPC: "the disk is full: free some space, and run it again",
};

/** What to throw where a file could not be written or removed: with the cure, if we know one. */
export function refuseWrite(thrown: unknown, path: string): unknown {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  if (code === "") return thrown; // no failure of the file system
  const cure = CURES[code] ?? messageOf(thrown);
  return new GatewayError("invalid_request", `Cannot write ${path}: ${cure}`, { cause: thrown });
}
