import { equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { until } from "../../fixtures/until.ts";

const PATIENCE = { withinMs: 20_000 };
const program = fileURLToPath(new URL("../../fixtures/reload_program.ts", import.meta.url));
const commandLine = (
  ...args: string[]
) => [Deno.execPath(), "run", "--allow-all", "--no-check", program, ...args];

/** A process whose output is kept as it comes. */
class Running implements AsyncDisposable {
  text = "";
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;

  constructor(command: readonly string[]) {
    const [first, ...rest] = command;
    this.#child = new Deno.Command(first!, { args: rest, stdin: "null", stdout: "piped", stderr: "inherit" })
      .spawn();
    this.#read = this.#keep();
  }

  get pid(): number {
    return this.#child.pid;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async code(): Promise<number> {
    const [{ code }] = await Promise.all([this.#child.status, this.#read]);
    return code;
  }

  async untilSaid(text: string, times = 1): Promise<void> {
    const isSaid = () => this.text.split(text).length > times;
    await until(isSaid, `"${text}" ${times} times in "${this.text}"`, PATIENCE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await this.code();
  }

  async #keep(): Promise<void> {
    for await (
      const text of this.#child.stdout.pipeThrough(new TextDecoderStream() as ReadableWritablePair)
    ) {
      this.text += text;
    }
  }
}

for (
  const { name, through } of [{ name: "", through: [] }, { name: " that nohup started", through: ["nohup"] }]
) {
  Deno.test(`a program${name} that listens is told of each SIGHUP, and goes on until it is told to end`, async () => {
    await using running = new Running([...through, ...commandLine()]);
    await running.untilSaid("ready\n");
    for (const times of [1, 2, 3]) {
      running.kill("SIGHUP");
      await running.untilSaid("told to reload\n", times);
    }
    running.kill("SIGTERM");
    equal(await running.code(), 0);
  });
}

Deno.test("a program that listens no more is told to end by SIGHUP", async () => {
  await using running = new Running(commandLine("--leave"));
  await running.untilSaid("ready\n");
  running.kill("SIGHUP");
  equal(await running.code(), 0);
  equal(running.text, "ready\n");
});

const hasTerminal = await new Deno.Command("script", { args: ["--version"] }).output().then(
  ({ success }) => success,
  () => false,
);

/** The children of a process, their children, and so on. */
function descendants(pid: number): number[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  const children = text.split(" ").filter((word) => word !== "").map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

Deno.test({
  name:
    "a program on a terminal is told of a SIGHUP that somebody sends, and to end by that of its closed terminal",
  ignore: !hasTerminal,
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "reload-signal-" });
    try {
      const farewell = `${directory}/farewell`;
      const quoted = commandLine(farewell).map((word) => `'${word}'`).join(" ");
      await using terminal = new Running(["script", "-qec", `exec ${quoted}`, "/dev/null"]);
      await terminal.untilSaid("ready");
      const pid = descendants(terminal.pid).at(-1)!;
      Deno.kill(pid, "SIGHUP");
      await terminal.untilSaid("told to reload");
      terminal.kill("SIGKILL"); // who holds the other end of the terminal
      const hasEnded = () => Deno.readTextFile(farewell).then((text) => text !== "", () => false);
      await until(hasEnded, "the program ends in order", PATIENCE);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
