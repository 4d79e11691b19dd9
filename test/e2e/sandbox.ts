import { equal, fail } from "node:assert/strict";
import { join } from "node:path";
import { eventually } from "./eventually.ts";

/** A process that a sandbox holds. */
export interface SandboxedProcess {
  readonly pid: number;
  /** Its command line. */
  readonly command: string;
}

/**
 * A home and a directory for temporary files that the programs of one test have for themselves. Whatever a
 * program starts inherits the environment that names them, and is found by it wherever it moves: also when its
 * parent is dead. Disposal kills what is left and removes the files.
 */
export class Sandbox implements AsyncDisposable {
  private constructor(
    /** Holds `home` and `tmp`, and whatever else a test puts there. */
    readonly directory: string,
    /** The whole environment of a program; nothing of the test's own is seen. */
    readonly env: Readonly<Record<string, string>>,
  ) {}

  /** @param binDirectories Stand first on the `PATH`. */
  static async create(binDirectories: readonly string[] = []): Promise<Sandbox> {
    const directory = await Deno.makeTempDir({ prefix: "sollol-e2e-" });
    const [home, temporary] = [join(directory, "home"), join(directory, "tmp")];
    await Promise.all([Deno.mkdir(home), Deno.mkdir(temporary)]);
    return new Sandbox(directory, {
      HOME: home,
      TMPDIR: temporary,
      DENO_DIR: await denoDirectory(), // else each home would begin with an empty cache
      PATH: [...binDirectories, Deno.env.get("PATH") ?? ""].join(":"),
    });
  }

  /** Processes that live in it now. One that has exited and was not waited for does not count. */
  processes(): SandboxedProcess[] {
    const mark = `TMPDIR=${this.env["TMPDIR"]}\0`;
    return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
      if (!/^\d+$/.test(name)) return [];
      try {
        if (!Deno.readTextFileSync(`/proc/${name}/environ`).includes(mark)) return [];
        const command = Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ");
        return [{ pid: Number(name), command }];
      } catch {
        return []; // it ended while we looked, or is somebody else's
      }
    });
  }

  /** Fails unless every process is gone within a second, and every temporary file. */
  async assertEmpty(): Promise<void> {
    await eventually("nothing runs in the sandbox", () => this.processes().length === 0, 1_000)
      .catch((error) => fail(`${error.message}; left are ${JSON.stringify(this.processes())}`));
    const left = [...Deno.readDirSync(this.env["TMPDIR"]!)].map(({ name }) => name);
    equal(left.length, 0, `temporary files are left: ${left.join(", ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pid } of this.processes()) kill(pid);
    await Deno.remove(this.directory, { recursive: true });
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // it was faster
  }
}

let denoDirectoryFlight: Promise<string> | undefined;

function denoDirectory(): Promise<string> {
  return denoDirectoryFlight ??= new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output()
    .then(({ stdout }) => JSON.parse(new TextDecoder().decode(stdout)).denoDir);
}
