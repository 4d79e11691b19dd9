import { systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { formatDuration } from "../units.ts";
import { ChildProcess } from "./child.ts";
import type { ChildExit } from "./child_exit.ts";

/** How much of each stream is kept, from its end: an error is told last. */
const KEPT_CHARS = 256 * 1024;

/** What ld.so says when a library is missing or too old. */
const LOADER_ERROR = /^.*(error while loading shared libraries:.*|GLIBC\w*_[\d.]+' not found.*)$/m;

/** How {@linkcode run} starts a program. */
export interface RunOptions {
  /** The program's whole environment; without it our own is inherited. */
  env?: Record<string, string>;
  /** Default our own. */
  cwd?: string;
  /** Ends the program and everything it started; {@linkcode run} then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** After this long the program is ended and the result says `timedOut`. */
  timeoutMs: number;
  /** Hears each line of stdout as it comes. Must not throw. */
  onLine?: (line: string) => void;
}

/** How a program ended and what it wrote. */
export interface RunResult extends ChildExit {
  /** Whether it was ended because it took too long. */
  readonly timedOut: boolean;
  /** The last lines of its standard output, 256 Ki characters at least. */
  readonly stdout: string;
  /** The last lines of its standard error, 256 Ki characters at least. */
  readonly stderr: string;
}

/**
 * Runs a program to its end in a process group of its own, which is gone when this returns or throws:
 * apt-get and shell wrappers have helpers that would outlive them.
 *
 * @throws {GatewayError} `backend_unreachable` if the program cannot be started.
 * @throws The signal's reason on abort.
 */
export async function run(path: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const { env, cwd, signal, timeoutMs, onLine } = options;
  signal?.throwIfAborted();
  const tails = { stdout: new Tail(), stderr: new Tail() };
  await using child = await ChildProcess.spawn({
    program: path,
    args,
    env,
    cwd,
    onLine: (line, stream) => {
      tails[stream].push(line);
      if (stream === "stdout") onLine?.(line);
    },
  });
  using deadline = new Deadline(systemClock, timeoutMs, { signal });
  const stop = () => void child.stop();
  deadline.signal.addEventListener("abort", stop, { once: true });
  if (deadline.signal.aborted) stop(); // while it was being started
  const exit = await child.exited;
  deadline.signal.removeEventListener("abort", stop);
  signal?.throwIfAborted();
  return { ...exit, timedOut: deadline.hasPassed, stdout: tails.stdout.text, stderr: tails.stderr.text };
}

/** Why a program did not do its work, to follow its name: `exited with code 1: …`. Holds nothing unprintable. */
export function describeFailure(result: RunResult, timeoutMs: number): string {
  const output = `${result.stderr}\n${result.stdout}`;
  const loaderLine = LOADER_ERROR.exec(output)?.[0];
  if (result.timedOut) return `did not end in ${formatDuration(timeoutMs)}`;
  if (loaderLine) return `cannot load its libraries: ${loaderLine.trim()}`;
  if (result.signal !== undefined) return result.sentence;
  const lastLine = output.trim().split("\n").at(-1)!.slice(0, 200).replaceAll(/\p{C}+/gu, "?");
  return lastLine ? `${result.sentence}: ${lastLine}` : `${result.sentence} and said nothing`;
}

/** The end of a text that comes in lines. */
class Tail {
  text = "";

  push(line: string): void {
    this.text += `${line}\n`;
    if (this.text.length > 2 * KEPT_CHARS) this.text = this.text.slice(-KEPT_CHARS);
  }
}
