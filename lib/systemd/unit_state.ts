/** What `systemctl show` is asked for. */
export const SHOWN_PROPERTIES = [
  "LoadState",
  "UnitFileState",
  "ActiveState",
  "SubState",
  "Result",
  "MainPID",
  "NRestarts",
  "MemoryCurrent",
  "ExecMainStatus",
  "ExecMainCode",
  "ActiveEnterTimestamp",
  "NeedDaemonReload",
  "StatusText",
  "InvocationID",
  "FragmentPath",
  "DropInPaths",
] as const;

/** What systemd knows of a unit. */
export interface UnitState {
  /** `loaded`, or why not: `not-found`, `bad-setting`, `masked`, `error`. */
  readonly load: string;
  /** `enabled`, `disabled`, `masked` …; empty if it has no file. */
  readonly enabled: string;
  /** `active`, `activating`, `inactive`, `failed` … */
  readonly active: string;
  /** Finer than `active`: `running`, `auto-restart`, `exited`, `listening` … */
  readonly sub: string;
  /** `success`, or how the last run failed: `exit-code`, `signal`, `watchdog`, `start-limit-hit` … */
  readonly result: string;
  /** Process id of the main process; `undefined` if none runs. */
  readonly pid: number | undefined;
  /** How often systemd has started it again by itself. */
  readonly restartCount: number;
  /** Memory of all its processes; `undefined` if it is not counted. */
  readonly memoryBytes: number | undefined;
  /** Exit code of the last main process, or the signal that ended it. */
  readonly exitStatus: number;
  /** When it became active last, ms since 1970, to the second; `undefined` if never. */
  readonly activeSinceMs: number | undefined;
  /** Whether files have changed since systemd read them. */
  readonly needsReload: boolean;
  /** What the service says of itself. */
  readonly statusText: string;
  /** systemd's id of this run; `undefined` if it never ran. */
  readonly invocation: string | undefined;
  /** The file that it was read from; `undefined` for none. */
  readonly path: string | undefined;
  /** Files beside it that change it, such as those of `systemctl edit`. */
  readonly dropIns: readonly string[];
}

/** Reads what `systemctl show` prints in UTC: `Name=value`, one a line. What is missing is empty. */
export function parseUnitState(text: string): UnitState {
  const values = new Map(
    text.split("\n").map((line) => {
      const [name = "", value = ""] = line.split(/=(.*)/s);
      return [name, value] as const;
    }),
  );
  const word = (name: (typeof SHOWN_PROPERTIES)[number]) => values.get(name) ?? "";
  return {
    load: word("LoadState"),
    enabled: word("UnitFileState"),
    active: word("ActiveState"),
    sub: word("SubState"),
    result: word("Result"),
    pid: count(word("MainPID")) || undefined,
    restartCount: count(word("NRestarts")) ?? 0,
    memoryBytes: count(word("MemoryCurrent")),
    exitStatus: count(word("ExecMainStatus")) ?? 0,
    activeSinceMs: timeOf(word("ActiveEnterTimestamp")),
    needsReload: word("NeedDaemonReload") === "yes",
    statusText: word("StatusText"),
    invocation: word("InvocationID") || undefined,
    path: word("FragmentPath") || undefined,
    dropIns: word("DropInPaths").split(" ").filter((path) => path !== ""),
  };
}

/** `Sun 2026-11-22 00:34:55 UTC` */
function timeOf(text: string): number | undefined {
  const [, day, time] = /^\w+ (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\b.* UTC$/.exec(text) ?? [];
  return day === undefined ? undefined : Date.parse(`${day}T${time}Z`);
}

/** A number that systemd prints; it says `[not set]`, or 2⁶⁴ - 1, for none. */
function count(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
