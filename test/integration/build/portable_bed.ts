import { join } from "node:path";
import { packPortable } from "../../build/pack_portable.ts";

/** Stands for Deno: says what it was told, and waits if it is told to. */
const FAKE_DENO = `#!/bin/sh
[ "$1" = --version ] && exit "\${FAKE_DENO_BREAKS:-0}"
while [ "$#" -gt 0 ] && [ "\${1##*/}" != start.js ]; do shift; done
[ "$2" = wait ] && exec sleep 100
printf '%s\\n' "$1" "$SOLLOL_PROGRAM" "\${DENO_SERVE_ADDRESS-unset}" "$$"
shift
for word in "$@"; do printf '[%s]' "$word"; done
exit 7
`;

/** What `uname -m` says. */
export const MACHINE = (await output("uname", ["-m"])).stdout.trim();
/** Every tool that the file may use, and a shell; no Deno and no Node. */
const TOOLS = "cat chmod dash gzip id ls mkdir mv rm rmdir sh sleep sync tail tar uname".split(" ");

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in the environment of the test. */
export async function output(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const command = new Deno.Command(program, { args: [...args], env, stdin: "null" });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** A portable file with a fake Deno in it, and a directory to try it in. */
export class PortableBed implements AsyncDisposable {
  private constructor(
    readonly directory: string,
    readonly program: string,
    readonly env: Record<string, string>,
  ) {}

  static async create(): Promise<PortableBed> {
    const directory = await Deno.makeTempDir({ prefix: "sollol portable' " });
    const tools = join(directory, "tools");
    await Deno.mkdir(tools);
    for (const tool of TOOLS) {
      const { stdout } = await output("sh", ["-c", `command -v ${tool}`]);
      if (stdout !== "") await Deno.symlink(stdout.trim(), join(tools, tool));
    }
    const bed = new PortableBed(directory, join(directory, "sollol"), {
      PATH: tools,
      HOME: join(directory, "home"),
    });
    await bed.pack();
    return bed;
  }

  /** Makes the file anew. @param licences Another text gives another version of it. */
  async pack(licences = "all of them"): Promise<void> {
    const content = join(this.directory, "content");
    await Deno.mkdir(content, { recursive: true });
    const files = {
      deno: FAKE_DENO,
      "start.js": "start",
      "sollol.js": "x".repeat(5_000_000),
      LICENSES: licences,
    };
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(content, name), text);
    await Deno.chmod(join(content, "deno"), 0o755);
    await packPortable(content, MACHINE, this.program);
  }

  /** Runs it, or what is named, with nothing in its environment but what is said. */
  run(
    args: readonly string[] = [],
    { env = this.env, through = [this.program] }: RunOptions = {},
  ): Promise<Ended> {
    const [program, ...rest] = [...through, ...args] as [string, ...string[]];
    return this.command(program, rest, env);
  }

  async command(program: string, args: readonly string[], env: Record<string, string>): Promise<Ended> {
    const child = new Deno.Command(program, {
      args: [...args],
      env,
      clearEnv: true,
      cwd: this.directory,
      stdin: "null",
    });
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Where it lies once it is extracted by default. */
  get cache(): string {
    return join(this.env["HOME"]!, ".cache/sollol");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** How it is started. */
export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly through?: readonly string[];
}

/** Names of what lies in a directory; none where there is no such directory. */
export function namesIn(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
