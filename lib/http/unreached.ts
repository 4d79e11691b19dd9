import type { HttpError, HttpErrorKind } from "./error.ts";

/**
 * What a failed request says of whoever was asked. `silent`: nothing came in time, and it may only have been slow.
 * `unreachable`: there was no connection. `unfit`: somebody answers there, or the fault is ours.
 */
export type UnreachedCause = "silent" | "unreachable" | "unfit";

/** This host has no room for a connection; or there was one, and what came over it made no sense. */
const OURS_OR_ANSWERED: ReadonlySet<HttpErrorKind> = new Set(["busy", "tls", "malformed", "too_large"]);

/** Why a request got no whole answer, for the health of whoever was asked. */
export function causeOf({ kind, answered }: Pick<HttpError, "kind" | "answered">): UnreachedCause {
  if (answered || OURS_OR_ANSWERED.has(kind)) return "unfit";
  return kind === "timeout" ? "silent" : "unreachable";
}
