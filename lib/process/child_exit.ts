/** How a child process ended. */
export interface ChildExit {
  /** Its exit code; 128 + the signal's number if a signal ended it. */
  readonly code: number;
  /** The signal that ended it, also when a shell between us and it told so by the code alone. */
  readonly signal: Deno.Signal | undefined;
  /** How it ended, to follow its name: `exited with code 1`. */
  readonly sentence: string;
}

/** Numbers of the signals that end processes, on Linux. */
const SIGNAL_NUMBERS: ReadonlyArray<readonly [number, Deno.Signal]> = [
  [1, "SIGHUP"],
  [2, "SIGINT"],
  [3, "SIGQUIT"],
  [4, "SIGILL"],
  [5, "SIGTRAP"],
  [6, "SIGABRT"],
  [7, "SIGBUS"],
  [8, "SIGFPE"],
  [9, "SIGKILL"],
  [11, "SIGSEGV"],
  [13, "SIGPIPE"],
  [15, "SIGTERM"],
  [31, "SIGSYS"],
];

const MEANINGS: Partial<Record<Deno.Signal, string>> = {
  SIGABRT: "aborted itself (SIGABRT, code 134): a check inside it failed",
  SIGBUS: "crashed (SIGBUS, code 135): a file that it had mapped shrank, or its disk failed",
  SIGFPE: "crashed (SIGFPE, code 136): a division went wrong in it",
  SIGILL: "crashed (SIGILL, code 132): it was built for another processor",
  SIGKILL: "was killed (SIGKILL, code 137): by hand, or by the kernel because memory ran out",
  SIGPIPE: "died of SIGPIPE (code 141): it wrote to a connection that the other side had closed",
  SIGSEGV: "crashed (SIGSEGV, code 139): it touched memory that is not its own",
  SIGSYS: "was ended by SIGSYS (code 159): a sandbox forbids a system call that it needs",
  SIGTERM: "was ended by SIGTERM (code 143): it was asked to stop",
};

const CODE_MEANINGS: Readonly<Record<number, string>> = {
  0: "exited normally (code 0)",
  126: "could not be executed (code 126): it is no program for this system",
  127: "could not be started (code 127): the program or its interpreter does not exist",
};

/** Says how a process ended: one sentence for each way there is. */
export function describeExit(status: { code: number; signal: Deno.Signal | null }): ChildExit {
  const { code } = status;
  const signal = status.signal ?? signalOfCode(code);
  if (signal === undefined) {
    return { code, signal, sentence: CODE_MEANINGS[code] ?? `exited with code ${code}` };
  }
  return { code, signal, sentence: MEANINGS[signal] ?? `was ended by ${signal} (code ${code})` };
}

/** The signal that a shell reports as 128 + its number. */
function signalOfCode(code: number): Deno.Signal | undefined {
  return SIGNAL_NUMBERS.find(([number]) => code === 128 + number)?.[1];
}
