/**
 * How a check ended: all is as it should be (`ok`); it works, but not as well or as safely as it could (`warn`);
 * something that was asked for does not work (`fail`); there was nothing to look at, or no way to (`skip`).
 */
export type Result = "ok" | "warn" | "fail" | "skip";

/** What a check found. Neither text holds a secret. */
export interface Finding {
  /** How it ended. */
  readonly result: Result;
  /** What was seen, as a clause; of a `skip`, why nothing was. */
  readonly seen: string;
  /** What to do, best as a command to run; only of a `warn` or `fail`. */
  readonly cure?: string;
  /** The figures behind `seen`, for programs; names with their units. */
  readonly figures?: Figures;
}

/** Values by name, fit for JSON. */
export type Figures = Readonly<Record<string, unknown>>;

/** All is as it should be. */
export function ok(seen: string, figures?: Figures): Finding {
  return { result: "ok", seen, ...(figures && { figures }) };
}

/** It works, but not as well or as safely as it could. */
export function warn(seen: string, cure: string, figures?: Figures): Finding {
  return { result: "warn", seen, cure, ...(figures && { figures }) };
}

/** Something that was asked for does not work. */
export function fail(seen: string, cure: string, figures?: Figures): Finding {
  return { result: "fail", seen, cure, ...(figures && { figures }) };
}

/** There was nothing to look at, or no way to. */
export function skip(why: string): Finding {
  return { result: "skip", seen: why };
}

/** Takes a sentence that tells its own cure apart at its last semicolon, as most of ours do: `what is wrong; what to do`. */
export function splitCure(
  sentence: string,
  otherwise: string,
): { readonly seen: string; readonly cure: string } {
  const at = sentence.lastIndexOf("; ");
  return at < 0
    ? { seen: sentence, cure: otherwise }
    : { seen: sentence.slice(0, at), cure: sentence.slice(at + "; ".length) };
}
