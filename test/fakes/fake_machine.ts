import type { Answered, DiskSpace, FileFacts, Machine } from "../../lib/doctor/machine.ts";

/** What a {@linkcode FakeMachine} has; nothing of the real one is seen. */
export interface FakeMachineNature {
  readonly os?: string;
  /** Text by path. */
  readonly texts?: Readonly<Record<string, string>>;
  /** What lies where, by path; a number is the mode of a file. Texts are files, too. */
  readonly files?: Readonly<Record<string, number | Partial<FileFacts>>>;
  /** Where links lead to. */
  readonly links?: Readonly<Record<string, string>>;
  /** Why a path cannot be read or written. */
  readonly troubles?: Readonly<Record<string, string>>;
  /** Free bytes by device. */
  readonly freeBytes?: Readonly<Record<number, number>>;
  /** What programs answer, by their command line; a text is said with exit code 0. */
  readonly answers?: Readonly<Record<string, string | Answered>>;
}

/** A host that a test invents. */
export class FakeMachine implements Machine {
  readonly arch = "x86_64";
  readonly os: string;
  /** Command lines that were asked. */
  readonly asked: string[] = [];

  constructor(private readonly nature: FakeMachineNature = {}) {
    this.os = nature.os ?? "linux";
  }

  readText(path: string): Promise<string | undefined> {
    return Promise.resolve(this.nature.texts?.[path]);
  }

  stat(path: string): Promise<FileFacts | undefined> {
    const said = this.nature.files?.[path] ?? (this.nature.texts?.[path] === undefined ? undefined : 0o644);
    if (said === undefined) return Promise.resolve(undefined);
    const facts = { kind: "file", mode: 0o644, userId: 1_000, device: 1 } as const;
    return Promise.resolve(typeof said === "number" ? { ...facts, mode: said } : { ...facts, ...said });
  }

  list(path: string): Promise<readonly string[]> {
    const paths = [...Object.keys(this.nature.texts ?? {}), ...Object.keys(this.nature.files ?? {})];
    const inside = paths.filter((one) => one.startsWith(`${path}/`)).map((one) => one.slice(path.length + 1));
    return Promise.resolve([...new Set(inside.map((one) => one.split("/")[0]!))]);
  }

  readLink(path: string): Promise<string | undefined> {
    return Promise.resolve(this.nature.links?.[path]);
  }

  async whyNotRead(path: string): Promise<string | undefined> {
    return this.nature.troubles?.[path] ?? (await this.stat(path) ? undefined : "it does not exist");
  }

  whyNotWrite(path: string): Promise<string | undefined> {
    return Promise.resolve(this.nature.troubles?.[path]);
  }

  async readSpace(path: string): Promise<DiskSpace | undefined> {
    const freeBytes = this.nature.freeBytes?.[(await this.stat(path))?.device ?? 0];
    return freeBytes === undefined ? undefined : { freeBytes, totalBytes: 1e12 };
  }

  ask(program: string, args: readonly string[]): Promise<Answered | undefined> {
    const commandLine = [program, ...args].join(" ");
    this.asked.push(commandLine);
    const answer = this.nature.answers?.[commandLine];
    return Promise.resolve(typeof answer === "string" ? { code: 0, stdout: answer } : answer);
  }
}
