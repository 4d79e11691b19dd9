import { type Clock, systemClock } from "../clock.ts";
import { GatewayError, messageOf } from "../errors.ts";
import { type ChildExit, describeExit } from "./child_exit.ts";
import { resolveExecutable } from "./executable.ts";
import { LineSplitter } from "./line_splitter.ts";
import { findSetpriv, wrapCommand } from "./wrapped_command.ts";

/** Which pipe a line came from. */
export type ChildStream = "stdout" | "stderr";

/** What to start, and who hears its lines. */
export interface ChildOptions {
  /** A path, or a name on `PATH`. */
  program: string;
  /** Without the program itself. Default none. */
  args?: readonly string[];
  /** The whole environment of the child. Default: ours. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Directory that it starts in. Default: ours. */
  cwd?: string | undefined;
  /** Hears each line of both pipes. Must not throw. */
  onLine?: (line: string, stream: ChildStream) => void;
  /** Bytes kept of a line; the rest is dropped. Default 16 KiB. */
  maxLineBytes?: number;
  /** Starts it with SIGPIPE ignored. Default false. */
  ignoreSigpipe?: boolean;
  /** Times a stop. Default: the host's. */
  clock?: Clock;
}

/** One step of a stop: a signal, and how long the child may take to obey it. */
export interface StopStep {
  /** Sent to the whole group. */
  readonly signal: Deno.Signal;
  /** Time until the next step, ms. */
  readonly graceMs: number;
}

/** Why {@linkcode ChildProcess.gone} aborted. */
export class ChildGone extends Error {
  /** Tells it from other errors. */
  override readonly name = "ChildGone";

  /** Says in a sentence how the program ended; `exit` says it for code. */
  constructor(program: string, readonly exit: ChildExit) {
    super(`${program} ${exit.sentence}`);
  }
}

/** For how long the pipes are read after the exit, ms: a child of the child that left the group may hold them. */
const DRAIN_MS = 500;

const DEFAULT_STEPS: readonly StopStep[] = [{ signal: "SIGTERM", graceMs: 2_000 }];

/**
 * A child that leads its own process group, and whose pipes are always read: a child blocks on a full pipe.
 *
 * When the child exits, whatever it started dies with it; when we are killed, the kernel kills the child where
 * `setpriv` exists. Disposal kills the group and returns when it is gone.
 */
export class ChildProcess implements AsyncDisposable {
  /** Process id, which is the group's id, too. */
  readonly pid: number;
  /** Resolves once it has exited, its group is dead and its last lines were heard. Never rejects. */
  readonly exited: Promise<ChildExit>;
  readonly #dead = new AbortController();
  readonly #gone = new AbortController();
  readonly #clock: Clock;
  #stopping: Promise<ChildExit> | undefined;

  private constructor(child: Deno.ChildProcess, options: ChildOptions) {
    this.pid = child.pid;
    this.#clock = options.clock ?? systemClock;
    this.exited = this.#watch(child, options);
  }

  /**
   * Starts a child.
   *
   * @throws {GatewayError} `backend_unreachable` if there is no such program, it may not be executed, or our
   *   own permissions forbid it.
   */
  static async spawn(options: ChildOptions): Promise<ChildProcess> {
    const { program, args = [], env, cwd, ignoreSigpipe } = options;
    const path = await resolveExecutable(program, env ? env["PATH"] : Deno.env.get("PATH"));
    const setpriv = await findSetpriv(); // by its path: the child's own PATH need not lead to it
    const [command, ...commandArgs] = wrapCommand([path, ...args], { ignoreSigpipe, setpriv });
    const child = spawnDetached(program, command, {
      args: commandArgs,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true, // setsid: it leads a group that one kill(-pid) reaches
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env: { ...env }, clearEnv: true }),
    });
    return new ChildProcess(child, options);
  }

  /** Aborts when {@linkcode exited} resolves; the reason is a {@linkcode ChildGone}. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Aborts at the moment that its exit is seen, a little before {@linkcode gone}: its last lines are still read. */
  get dead(): AbortSignal {
    return this.#dead.signal;
  }

  /** False once {@linkcode dead} has aborted. */
  get isAlive(): boolean {
    return !this.#dead.signal.aborted;
  }

  /** Signals the whole group. @returns Whether there was anybody left to signal. */
  signal(name: Deno.Signal): boolean {
    // Once the leader is reaped the kernel may give its id to a stranger.
    return this.isAlive && signalGroup(this.pid, name);
  }

  /** Takes the steps until it exits, then kills what is left. A stop under way is joined, whatever its steps. */
  stop(steps: readonly StopStep[] = DEFAULT_STEPS): Promise<ChildExit> {
    return this.#stopping ??= this.#stop(steps);
  }

  /** Kills the group and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }

  async #stop(steps: readonly StopStep[]): Promise<ChildExit> {
    for (const { signal, graceMs } of steps) {
      this.signal(signal);
      if (await this.#exitsWithin(graceMs)) return await this.exited;
    }
    this.signal("SIGKILL");
    return await this.exited;
  }

  #exitsWithin(graceMs: number): Promise<boolean> {
    return this.#clock.sleep(graceMs, { signal: this.gone }).then(() => false, () => true);
  }

  async #watch(
    child: Deno.ChildProcess,
    { program, onLine, maxLineBytes }: ChildOptions,
  ): Promise<ChildExit> {
    const pipes = (["stdout", "stderr"] as const).map((stream) =>
      drain(child[stream], (line) => onLine?.(line, stream), maxLineBytes)
    );
    const exit = describeExit(await child.status);
    signalGroup(this.pid, "SIGKILL"); // what the leader left behind
    this.#dead.abort();
    const giveUp = setTimeout(() => pipes.forEach((pipe) => pipe.cancel()), DRAIN_MS);
    await Promise.all(pipes.map((pipe) => pipe.done));
    clearTimeout(giveUp);
    this.#gone.abort(new ChildGone(program, exit));
    return exit;
  }
}

function spawnDetached(program: string, command: string, options: Deno.CommandOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(command, options).spawn();
  } catch (error) {
    // Deno forbids LD_* to children unless --allow-run is given without a list.
    const isDenied = error instanceof Deno.errors.NotCapable;
    const hint = isDenied ? "; run sollol with --allow-run without a list, or without LD_* variables" : "";
    throw new GatewayError("backend_unreachable", `Cannot start "${program}": ${messageOf(error)}${hint}`, {
      cause: error,
    });
  }
}

function signalGroup(pid: number, name: Deno.Signal): boolean {
  try {
    Deno.kill(-pid, name);
    return true;
  } catch {
    return false; // ESRCH: everybody is gone
  }
}

/** Reads a pipe to its end, whatever becomes of the lines. */
function drain(
  pipe: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
  maxLineBytes?: number,
): { done: Promise<void>; cancel(): void } {
  const reader = pipe.getReader();
  const splitter = new LineSplitter(onLine, maxLineBytes === undefined ? {} : { maxLineBytes });
  const readAll = async (): Promise<void> => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) splitter.push(part.value);
    splitter.end();
  };
  return { done: readAll(), cancel: () => void reader.cancel().catch(() => {}) };
}
