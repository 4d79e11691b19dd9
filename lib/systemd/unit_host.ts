/** How a program ended and what it wrote. */
export interface CommandOutcome {
  /** Exit code; 128 + the signal's number if a signal ended it. */
  readonly code: number;
  /** The end of its standard output. */
  readonly stdout: string;
  /** The end of its standard error. */
  readonly stderr: string;
  /** How it failed, to follow its name; empty if it did not. */
  readonly failure: string;
}

/** What lies at a path. */
export interface FileInfo {
  /** What it is, after links were followed. */
  readonly type: "file" | "directory" | "other";
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  /** Id of the user that owns it. */
  readonly userId: number;
  /** Id of the group that owns it. */
  readonly groupId: number;
  /** When its content changed last, ms since 1970. */
  readonly changedAtMs: number;
}

/**
 * What installing units asks of a machine, and all that it does to one. Each method that takes a path throws `Error`
 * with the system's `code` (`EACCES`, `EROFS` …) if the system refuses.
 */
export interface UnitHost {
  /** Id of the user that runs us; 0 is root. */
  readonly userId: number;
  /** Home directory of that user; `undefined` if it has none. */
  readonly home: string | undefined;
  /** Where that user's programs keep their settings, if it is not `~/.config`. */
  readonly configHome: string | undefined;

  /**
   * Runs a program of the system to its end; it speaks English and counts its time in UTC.
   *
   * @throws {GatewayError} `backend_unreachable` if there is no such program; the signal's reason on abort.
   */
  run(
    program: string,
    args: readonly string[],
    options: { signal: AbortSignal; timeoutMs?: number },
  ): Promise<CommandOutcome>;
  /** What lies at a path; `undefined` for nothing. */
  readInfo(path: string): Promise<FileInfo | undefined>;
  /** The path without symbolic links; `undefined` if it leads nowhere. */
  readRealPath(path: string): Promise<string | undefined>;
  /** Where a symbolic link points to; `undefined` if there is none at this path. */
  readLink(path: string): Promise<string | undefined>;
  /** All of a text file; `undefined` if there is none. */
  readText(path: string): Promise<string | undefined>;
  /** Names in a directory, sorted; none if there is no such directory. */
  readNames(path: string): Promise<string[]>;
  /** Makes a directory and those above it, unless they are there; only what is made gets the mode. */
  makeDirectory(path: string, mode: number): Promise<void>;
  /** Writes a file in one step: others see the old or the new one, and it has its mode from the start. */
  writeText(path: string, text: string, mode: number): Promise<void>;
  /** Removes a file or an empty directory. @returns Whether there was one. */
  remove(path: string): Promise<boolean>;
  /** Removes a directory with all that is in it. @returns Whether there was one. */
  removeTree(path: string): Promise<boolean>;
}
