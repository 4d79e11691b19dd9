import { dirname } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import type { CommandOutcome, FileInfo, UnitHost } from "../../lib/systemd/unit_host.ts";

const DONE: CommandOutcome = { code: 0, stdout: "", stderr: "", failure: "" };

interface FakeFile {
  text: string;
  mode: number;
  userId: number;
  groupId: number;
  changedAtMs: number;
  /** Of a symbolic link. */
  target?: string;
}

interface FakeRun {
  invocation: string;
  sinceMs: number;
  isDead: boolean;
}

/** A clock on which every wait is over at once. */
export class HastyClock implements Clock {
  nowMs = Date.UTC(2026, 0, 1);

  now(): number {
    return this.nowMs;
  }

  monotonic(): number {
    return this.nowMs;
  }

  sleep(ms: number, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted();
    this.nowMs += ms;
    return Promise.resolve();
  }
}

/** A machine in memory with files and a systemd that does what a real one does with units, as far as we ask it. */
export class FakeUnitHost implements UnitHost {
  userId = 0;
  home: string | undefined = "/root";
  configHome: string | undefined = undefined;
  readonly clock = new HastyClock();
  readonly files = new Map<string, FakeFile>();
  readonly directories = new Map<string, { mode: number }>([["/", { mode: 0o755 }]]);
  /** Every command, in order. */
  readonly commands: string[] = [];
  /** Units whose services end as soon as they were started. */
  readonly dying = new Set<string>();
  /** Units that do not end when they are stopped. */
  readonly stubborn = new Set<string>();
  /** How cleaning fails, by unit. */
  readonly cleanFailures = new Map<string, string>();
  /** What the journal has of each unit. */
  readonly journal = new Map<string, string[]>();
  /** What services say of themselves. */
  readonly statusTexts = new Map<string, string>();
  /** Groups by name. */
  readonly groups = new Map<string, number>();
  /** What writing and removing fails with, as a code such as `EROFS`. */
  writeFailure: string | undefined;
  /** Called before each command; may throw, as if we were interrupted. */
  beforeCommand: (command: string) => void = () => {};
  readonly enabled = new Set<string>();
  readonly #runs = new Map<string, FakeRun>();
  readonly #loaded = new Map<string, string>();
  #runCount = 0;

  constructor({ isBooted = true }: { isBooted?: boolean } = {}) {
    this.addDirectory("/etc/systemd/system");
    if (isBooted) this.addDirectory("/run/systemd/system");
  }

  /** Makes a file with all directories above it. */
  add(
    path: string,
    text = "",
    { mode = 0o644, groupId = 0 }: { mode?: number; groupId?: number } = {},
  ): this {
    this.addDirectory(dirname(path));
    this.files.set(path, { text, mode, userId: 0, groupId, changedAtMs: this.clock.nowMs });
    return this;
  }

  addLink(path: string, target: string): this {
    this.add(path);
    this.files.get(path)!.target = target;
    return this;
  }

  addDirectory(path: string, mode = 0o755): this {
    if (this.directories.has(path)) return this;
    this.addDirectory(dirname(path));
    this.directories.set(path, { mode });
    return this;
  }

  /** Text of a file; fails if there is none. */
  text(path: string): string {
    const file = this.files.get(path);
    if (!file) throw new Error(`there is no ${path}`);
    return file.text;
  }

  isRunning(unit: string): boolean {
    return this.#runs.get(unit)?.isDead === false;
  }

  run(
    program: string,
    args: readonly string[],
    { signal }: { signal: AbortSignal },
  ): Promise<CommandOutcome> {
    signal.throwIfAborted();
    const words = args.filter((arg) => !arg.startsWith("--no-"));
    const command = [program, ...words].join(" ");
    this.beforeCommand(command);
    this.commands.push(command);
    if (program === "getent") return Promise.resolve(this.#getent(words));
    if (program === "journalctl") return Promise.resolve(this.#journalctl(words));
    const [verb = "", ...rest] = words.filter((word) => word !== "--user" && !word.startsWith("--root="));
    return Promise.resolve(this.#systemctl(verb, rest));
  }

  readInfo(path: string): Promise<FileInfo | undefined> {
    const file = this.files.get(path);
    if (file) return Promise.resolve({ type: "file", ...file });
    const directory = this.directories.get(path);
    if (!directory) return Promise.resolve(undefined);
    return Promise.resolve({ type: "directory", userId: 0, groupId: 0, changedAtMs: 0, ...directory });
  }

  readRealPath(path: string): Promise<string | undefined> {
    const file = this.files.get(path);
    return Promise.resolve(file?.target ?? (file || this.directories.has(path) ? path : undefined));
  }

  readLink(path: string): Promise<string | undefined> {
    return Promise.resolve(this.files.get(path)?.target);
  }

  readText(path: string): Promise<string | undefined> {
    return Promise.resolve(this.files.get(path)?.text);
  }

  readNames(path: string): Promise<string[]> {
    const all = [...this.files.keys(), ...this.directories.keys()];
    const names = all.filter((entry) => entry !== "/" && dirname(entry) === path).map((entry) => {
      return entry.slice(path.length + 1);
    });
    return Promise.resolve(names.sort());
  }

  makeDirectory(path: string, mode: number): Promise<void> {
    return this.#write(() => {
      if (!this.directories.has(path)) this.addDirectory(path, mode);
    });
  }

  writeText(path: string, text: string, mode: number): Promise<void> {
    return this.#write(() => void this.add(path, text, { mode }));
  }

  remove(path: string): Promise<boolean> {
    return this.#write(() => {
      if (this.files.delete(path)) return true;
      const isFull = [...this.files.keys(), ...this.directories.keys()].some((entry) =>
        dirname(entry) === path
      );
      if (isFull) throw Object.assign(new Error("Directory not empty"), { code: "ENOTEMPTY" });
      return this.directories.delete(path);
    });
  }

  removeTree(path: string): Promise<boolean> {
    return this.#write(() => {
      for (const entry of [...this.files.keys()]) if (entry.startsWith(`${path}/`)) this.files.delete(entry);
      return this.directories.delete(path);
    });
  }

  #write<T>(work: () => T): Promise<T> {
    const code = this.writeFailure;
    if (code !== undefined) return Promise.reject(Object.assign(new Error(`refused: ${code}`), { code }));
    try {
      return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #getent([, key = ""]: readonly string[]): CommandOutcome {
    const found = [...this.groups].find(([name, id]) => name === key || String(id) === key);
    return found
      ? { ...DONE, stdout: `${found[0]}:x:${found[1]}:\n` }
      : { ...DONE, code: 2, failure: "failed" };
  }

  #journalctl(words: readonly string[]): CommandOutcome {
    const lines = [...this.journal].flatMap(([unit, lines]) =>
      words.some((word) => word.endsWith(`=${unit}`)) ? lines : []
    );
    return { ...DONE, stdout: lines.map((line) => `${line}\n`).join("") };
  }

  #systemctl(verb: string, words: readonly string[]): CommandOutcome {
    switch (verb) {
      case "daemon-reload":
        this.#loaded.clear();
        for (const [path, { text }] of this.files) this.#loaded.set(path, text);
        return DONE;
      case "enable":
        words.forEach((unit) => this.#enable(unit));
        return DONE;
      case "disable":
        words.forEach((unit) => {
          this.enabled.delete(unit);
          this.files.delete(wantsPath(unit));
        });
        return DONE;
      case "restart":
        words.forEach((unit) => this.#start(unit));
        return words.some((unit) => this.dying.has(unit)) ? { ...DONE, code: 1, failure: "failed" } : DONE;
      case "stop":
        words.filter((unit) => !this.stubborn.has(unit)).forEach((unit) => this.#runs.delete(unit));
        return DONE;
      case "clean": {
        const failure = this.cleanFailures.get(words.at(-1)!);
        return failure === undefined ? DONE : { ...DONE, code: 1, failure };
      }
      case "list-units":
        return { ...DONE, stdout: this.#listUnits(words.at(-1)!) };
      case "show":
        return { ...DONE, stdout: this.#show(words.at(-1)!) };
      default:
        return DONE;
    }
  }

  #enable(unit: string): void {
    this.enabled.add(unit);
    this.add(wantsPath(unit));
  }

  #start(unit: string): void {
    const isDead = this.dying.has(unit);
    this.#runs.set(unit, { invocation: `run-${++this.#runCount}`, sinceMs: this.clock.nowMs, isDead });
  }

  #listUnits(pattern: string): string {
    const [prefix = "", suffix = ""] = pattern.split("*");
    const units = [...this.#runs.keys()].filter((unit) => unit.startsWith(prefix) && unit.endsWith(suffix));
    return units.map((unit) => `${unit} loaded active running\n`).join("");
  }

  #show(unit: string): string {
    const file = unit.replace(/@.+\./, "@.");
    const path = [...this.files.keys()].find((path) => {
      return path.endsWith(`/systemd/system/${file}`) || path.endsWith(`/systemd/user/${file}`);
    }) ?? "";
    const run = this.#runs.get(unit);
    const isStale = this.#loaded.has(path) && this.#loaded.get(path) !== this.files.get(path)?.text;
    const since = run && new Date(run.sinceMs).toISOString().slice(0, 19).replace("T", " ");
    return [
      `LoadState=${this.files.has(path) ? "loaded" : "not-found"}`,
      `UnitFileState=${this.enabled.has(unit) ? "enabled" : "disabled"}`,
      `ActiveState=${run ? (run.isDead ? "activating" : "active") : "inactive"}`,
      `SubState=${run ? (run.isDead ? "auto-restart" : "running") : "dead"}`,
      `Result=${run?.isDead ? "exit-code" : "success"}`,
      `MainPID=${run && !run.isDead ? 4711 : 0}`,
      "NRestarts=0",
      "MemoryCurrent=[not set]",
      `ExecMainStatus=${run?.isDead ? 1 : 0}`,
      `ActiveEnterTimestamp=${since ? `Thu ${since} UTC` : ""}`,
      `NeedDaemonReload=${isStale ? "yes" : "no"}`,
      `StatusText=${this.statusTexts.get(unit) ?? ""}`,
      `InvocationID=${run?.invocation ?? ""}`,
      `FragmentPath=${this.files.has(path) ? path : ""}`,
      "",
    ].join("\n");
  }
}

function wantsPath(unit: string): string {
  return `/etc/systemd/system/multi-user.target.wants/${unit}`;
}
