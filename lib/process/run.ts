import { formatDuration } from "../units.ts";

/** How much of each stream is kept, from its end: an error is told last. */
const KEPT_CHARS = 256 * 1024;
/** How long a program that was told to end may take before it is killed. */
const GRACE_MS = 2_000;

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
  /** Sees each line of stdout as it comes. */
  onLine?: (line: string) => void;
}

/** How a program ended and what it wrote. */
export interface RunResult {
  /** 128 + signal number if a signal ended it. */
  code: number;
  /** The signal that ended it, such as `SIGILL`. */
  signal: string | null;
  /** Whether it was ended because it took too long. */
  timedOut: boolean;
  /** The last 256 Ki characters of its standard output. */
  stdout: string;
  /** The last 256 Ki characters of its standard error. */
  stderr: string;
}

/**
 * Runs a program to its end in a process group of its own, which is gone when this returns or throws:
 * apt-get and shell wrappers have helpers that would outlive them.
 *
 * @throws {Error} What `Deno.Command` throws if the program cannot be started; the signal's reason on abort.
 */
export async function run(path: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const { env, cwd, signal, timeoutMs, onLine } = options;
  signal?.throwIfAborted();
  const child = new Deno.Command(path, {
    args: [...args],
    ...(cwd === undefined ? {} : { cwd }),
    ...(env ? { env, clearEnv: true } : {}),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  const streams = [child.stdout.getReader(), child.stderr.getReader()] as const;
  const output = Promise.all([readTail(streams[0], onLine), readTail(streams[1])]);
  output.catch(() => {}); // what `onLine` throws is thrown below, when the program has ended
  const { status, timedOut } = await untilExit(child, timeoutMs, signal);
  killGroup(child.pid, "SIGKILL"); // helpers that were left behind
  // one that left the group may hold our pipes for ever
  const giveUp = setTimeout(() => streams.forEach((stream) => void stream.cancel()), GRACE_MS);
  const [stdout, stderr] = await output.finally(() => clearTimeout(giveUp));
  signal?.throwIfAborted();
  return { code: status.code, signal: status.signal, timedOut, stdout, stderr };
}

/** Why a program did not do its work, to follow its name: `was ended by SIGILL: …`. Holds nothing unprintable. */
export function describeFailure(result: RunResult, timeoutMs: number): string {
  const output = `${result.stderr}\n${result.stdout}`;
  const loaderLine = LOADER_ERROR.exec(output)?.[0];
  if (result.timedOut) return `did not end in ${formatDuration(timeoutMs)}`;
  if (loaderLine) return `cannot load its libraries: ${loaderLine.trim()}`;
  if (result.signal === "SIGILL") return "was ended by SIGILL: it was built for another processor";
  if (result.signal !== null) return `was ended by ${result.signal}`;
  const lastLine = output.trim().split("\n").at(-1)!.slice(0, 200).replaceAll(/\p{C}+/gu, "?");
  return `exited with code ${result.code}${lastLine ? `: ${lastLine}` : " and said nothing"}`;
}

/** Waits for the program's end, and hastens it on timeout and abort: SIGTERM first, then SIGKILL. */
async function untilExit(
  child: Deno.ChildProcess,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<{ status: Deno.CommandStatus; timedOut: boolean }> {
  let timedOut = false;
  let killer: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    killGroup(child.pid, "SIGTERM");
    killer ??= setTimeout(() => killGroup(child.pid, "SIGKILL"), GRACE_MS);
  };
  const timeout = setTimeout(() => {
    timedOut = true;
    end();
  }, timeoutMs);
  signal?.addEventListener("abort", end);
  try {
    return { status: await child.status, timedOut };
  } finally {
    clearTimeout(timeout);
    clearTimeout(killer);
    signal?.removeEventListener("abort", end);
  }
}

function killGroup(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-pid, signal);
  } catch { // the whole group is gone already
  }
}

async function readTail(
  stream: ReadableStreamDefaultReader<Uint8Array>,
  onLine?: (line: string) => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let kept = "";
  let partialLine = "";
  for (let part = await stream.read(); !part.done; part = await stream.read()) {
    const text = decoder.decode(part.value, { stream: true });
    kept = (kept + text).slice(-KEPT_CHARS);
    const lines = (partialLine + text).split("\n");
    partialLine = lines.pop()!.slice(-KEPT_CHARS);
    if (onLine) lines.forEach(onLine);
  }
  return kept;
}
