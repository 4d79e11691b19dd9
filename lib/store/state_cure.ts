import { dirname } from "node:path";
import { messageOf } from "../errors.ts";

/** What to do about a directory in which nothing can be kept, for people. */
export function cureFor(error: unknown, path: string): string {
  const directory = dirname(path);
  const message = messageOf(error);
  if (/ENOSPC|EDQUOT|No space left|disk is full|quota/i.test(`${codeOf(error)} ${message}`)) {
    return `free the disk that ${directory} is on (df -h ${directory}), then restart`;
  }
  if (codeOf(error) === "EROFS" || /Read-only file system/i.test(message)) {
    return `${directory} is read-only: name another state_dir, or let the service write there (StateDirectory= or ` +
      "ReadWritePaths= in its unit); then restart";
  }
  const stranger = strangerOwning(directory);
  if (stranger !== undefined) {
    const { place, ownerUid, ourUid } = stranger;
    const give = place === directory
      ? `chown -R ${ourUid} ${directory}`
      : `install -d -m 700 -o ${ourUid} ${directory}`;
    return `${place} belongs to user ${ownerUid}, and sollol runs as user ${ourUid}: run it as that one, give this one ` +
      `its directory (${give}), or name another state_dir; then restart`;
  }
  return "free the disk, or name a state_dir that can be written; then restart";
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? "");
}

/** The directory, or the nearest one above it that there is, if it belongs to somebody else; root may write anywhere. */
function strangerOwning(
  directory: string,
): { place: string; ownerUid: number; ourUid: number } | undefined {
  const ourUid = Deno.uid();
  if (ourUid === null || ourUid === 0) return undefined;
  for (let place = directory;; place = dirname(place)) {
    const ownerUid = ownerOf(place);
    if (ownerUid === undefined && place !== dirname(place)) continue;
    return ownerUid === undefined || ownerUid === null || ownerUid === ourUid
      ? undefined
      : { place, ownerUid, ourUid };
  }
}

function ownerOf(path: string): number | null | undefined {
  try {
    return Deno.statSync(path).uid;
  } catch {
    return undefined; // not there, or hidden from us
  }
}
