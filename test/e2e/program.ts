import { deepEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";
import type { Sandbox } from "./sandbox.ts";
import { Transcript } from "./transcript.ts";

/** For how long the pipes are read after the exit: a process that was left behind may hold them. */
const DRAIN_MS = 1_000;
const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
/** sollol as it is run from its source. */
export const SOURCE: readonly string[] = [Deno.execPath(), "run", "--allow-all", "--no-check", MAIN];

/** How a program is started, beside its arguments. */
export interface ProgramOptions {
  /** Added to the environment of the sandbox. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command that stands before the program's own, and ends by running it: `["sh", "-c", "exec \"$@\"", "sh"]`. */
  readonly through?: readonly string[];
  /** Another form of the program, without its arguments. Default: its source, run by Deno. */
  readonly form?: readonly string[];
}

/** What a program that ended leaves behind. */
export interface ProgramResult {
  /** 128 + the signal's number, if a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of the log. */
export interface LogRecord {
  /** ISO 8601. */
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/**
 * sollol itself, as a process that leads a group of its own. Its output is always read; disposal kills the group.
 */
export class Program implements AsyncDisposable {
  readonly pid: number;
  readonly stdout: Transcript;
  readonly stderr: Transcript;
  /** Resolves when it has exited and all its output was read. */
  readonly ended: Promise<ProgramResult>;
  #isRunning = true;
  /** Lines of the log that were read already: a long one is not parsed again at each look. */
  readonly #records: LogRecord[] = [];
  #readLength = 0;

  private constructor(child: Deno.ChildProcess, name: string) {
    this.pid = child.pid;
    this.stdout = new Transcript(`stdout of ${name}`, child.stdout);
    this.stderr = new Transcript(`stderr of ${name}`, child.stderr);
    this.ended = this.#watch(child);
  }

  /** Starts it. */
  static start(sandbox: Sandbox, args: readonly string[], options: ProgramOptions = {}): Program {
    const { env = {}, through = [], form = SOURCE } = options;
    const [command, ...rest] = [...through, ...form, ...args] as [string, ...string[]];
    const child = new Deno.Command(command, {
      args: rest,
      env: { ...sandbox.env, ...env },
      clearEnv: true,
      cwd: sandbox.directory,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true, // it leads a group, which is signalled as a terminal does
    }).spawn();
    return new Program(child, `sollol ${args[0] ?? ""}`);
  }

  /** Runs it to its end. */
  static async run(
    sandbox: Sandbox,
    args: readonly string[],
    options: ProgramOptions = {},
  ): Promise<ProgramResult> {
    await using program = Program.start(sandbox, args, options);
    return await program.ended;
  }

  /** Whether it has not exited yet. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Signals its whole group, as Ctrl-C on a terminal does. */
  signal(name: Deno.Signal): void {
    if (this.#isRunning) Deno.kill(-this.pid, name);
  }

  /** Asks for an orderly end, and fails unless that is how it ended. */
  async stop(): Promise<void> {
    this.signal("SIGTERM");
    const { code, stderr } = await this.ended;
    deepEqual({ code, stderr }, { code: 0, stderr: "" });
  }

  /** All lines of the log so far, oldest first. */
  get log(): readonly LogRecord[] {
    const { text } = this.stdout;
    const end = text.lastIndexOf("\n") + 1;
    const lines = text.slice(this.#readLength, end).split("\n").filter((line) => line.startsWith("{"));
    this.#records.push(...lines.map((line): LogRecord => JSON.parse(line)));
    this.#readLength = Math.max(end, this.#readLength);
    return this.#records;
  }

  /** The lines of the log with this message, oldest first. */
  logged(message: string): LogRecord[] {
    return this.log.filter((record) => record.message === message);
  }

  /** Waits until so many lines of the log have this message, and returns the last of them. */
  async untilLogged(message: string, count = 1): Promise<LogRecord> {
    await eventually(
      `${count} times "${message}" in the log: ${this.stderr.text}`,
      () => this.logged(message).length >= count || !this.#isRunning,
    );
    const record = this.logged(message)[count - 1];
    if (record) return record;
    throw new Error(`it ended without "${message}" in its log: ${this.stdout.text}${this.stderr.text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }

  async #watch(child: Deno.ChildProcess): Promise<ProgramResult> {
    const { code } = await child.status;
    this.#isRunning = false;
    const pipes = [this.stdout, this.stderr];
    const giveUp = setTimeout(() => pipes.forEach((pipe) => void pipe.leave()), DRAIN_MS);
    await Promise.all(pipes.map((pipe) => pipe.ended));
    clearTimeout(giveUp);
    return { code, stdout: this.stdout.text, stderr: this.stderr.text };
  }
}
