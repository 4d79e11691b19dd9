/** What a service manager may be told at once. */
export interface Notice {
  /** We serve, or serve again after a reload. */
  readonly ready?: boolean;
  /** The configuration is read again; the moment by `CLOCK_MONOTONIC`, µs, `undefined` if the host does not tell. */
  readonly reloading?: { readonly atUsec: number | undefined };
  /** We end. */
  readonly stopping?: boolean;
  /** We are alive. */
  readonly watchdog?: boolean;
  /** One sentence for people: how we are. */
  readonly status?: string;
}

/** A datagram may hold more, but nobody reads it; ours go up to a few names of nodes. */
const MAX_STATUS_CHARACTERS = 400;

/**
 * Writes a notice as the lines of its datagram.
 *
 * @see sd_notify(3)
 */
export function formatNotice({ ready, reloading, stopping, watchdog, status }: Notice): string {
  const lines = [
    ready && "READY=1",
    reloading && "RELOADING=1",
    reloading?.atUsec !== undefined && `MONOTONIC_USEC=${reloading.atUsec}`,
    stopping && "STOPPING=1",
    watchdog && "WATCHDOG=1",
    status !== undefined && `STATUS=${onOneLine(status)}`,
  ];
  return lines.filter((line) => typeof line === "string").join("\n");
}

/** A line feed would begin another field, which might be in a name that somebody else chose. */
function onOneLine(text: string): string {
  const line = text.replaceAll(/\p{C}+/gu, " ").trim();
  return line.length <= MAX_STATUS_CHARACTERS ? line : `${line.slice(0, MAX_STATUS_CHARACTERS - 1)}…`;
}
