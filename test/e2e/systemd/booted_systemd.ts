import { equal, fail } from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { run, type RunResult } from "../../../lib/process/run.ts";
import type { UnitFile } from "../../../systemd/unit_file.ts";
import { eventually } from "../eventually.ts";
import { Transcript } from "../transcript.ts";
import { cgroupRoot } from "./cgroup_root.ts";

const MACHINE = fileURLToPath(new URL("machine.sh", import.meta.url));
const COMMAND_TIMEOUT_MS = 40_000;
const BOOT_TIMEOUT_MS = 30_000;
const UNIT_DIRECTORY = "/etc/systemd/system";

/** What programs find in their environment inside. */
const ENVIRONMENT = {
  HOME: "/root",
  LANG: "C.UTF-8",
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
};

/** How many this process has booted: each has names and addresses of its own. */
let bootCount = 0;

/** A directory or file of the host that is seen inside, read-only. */
export interface Bind {
  /** On the host. */
  readonly from: string;
  /** Inside; made if it is not there. */
  readonly to: string;
}

/**
 * A machine for tests: the host's own systemd as process 1, with a network, a process table and a hostname of its own, on
 * a throw-away layer over the host's files. Nothing is enabled in it, `/tmp` and `/run` are empty. It takes 1-2 s to boot.
 * It and all that runs in it end at the disposal, or when this process dies, and nothing of it is left on the host.
 */
export class BootedSystemd implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #said: Transcript;
  readonly #complaints: Transcript;
  #bootCount = 0;
  #pid = 0;

  private constructor(
    /** Directory of its control group on the host. */
    readonly cgroup: string,
    outerLink: string,
    /** Ours, as it sees us. */
    readonly outerAddress: string,
    /** Its own, as we see it. Beside it has all of 127.0.0.0/8. */
    readonly address: string,
    binds: readonly Bind[],
  ) {
    const command = ["--mount", "--net", "--propagation", "private", "sh", MACHINE];
    const machine = [
      cgroup,
      outerLink,
      outerAddress,
      address,
      ...binds.flatMap(({ from, to }) => [from, to]),
    ];
    this.#child = new Deno.Command("unshare", {
      args: [...command, ...machine],
      stdin: "piped", // its end is what ends the machine
      stdout: "piped",
      stderr: "piped",
      detached: true, // Ctrl-C is ours: it must live to clean up
    }).spawn();
    this.#said = new Transcript("the machine", this.#child.stdout);
    this.#complaints = new Transcript("the machine", this.#child.stderr);
  }

  /** Boots one, and waits until all that is started at boot has started. Fails with what was said if that does not happen. */
  static async boot({ binds = [] }: { readonly binds?: readonly Bind[] } = {}): Promise<BootedSystemd> {
    const id = `${Deno.pid}-${++bootCount}`;
    const subnet = (Deno.pid * 37 + bootCount) % 2 ** 14;
    const address = (host: number) => `10.214.${subnet >> 6}.${(subnet & 63) * 4 + host}`;
    const cgroup = `${await cgroupRoot()}/sollol-test-${id}`;
    await using startup = new AsyncDisposableStack();
    const machine = startup.use(new BootedSystemd(cgroup, `sd${id}`, address(1), address(2), binds));
    await machine.#untilBooted();
    startup.move();
    return machine;
  }

  /** Put before a command's own words, it is run inside, by root. Changes with {@linkcode BootedSystemd.reboot}. */
  get through(): readonly string[] {
    return ["nsenter", "--target", String(this.#pid), "--all", "--root", "--wd"];
  }

  /** Runs a command inside, by root, to its end. */
  run(command: readonly string[]): Promise<RunResult> {
    const [program, ...args] = [...this.through, ...command] as [string, ...string[]];
    return run(program, args, { env: ENVIRONMENT, timeoutMs: COMMAND_TIMEOUT_MS });
  }

  /** Runs a command inside; fails with what it said, and the end of the journal, unless its exit code is 0. @returns Its stdout. */
  async succeed(command: readonly string[]): Promise<string> {
    const { code, sentence, stdout, stderr } = await this.run(command);
    if (code === 0) return stdout;
    const { stdout: journal } = await this.run(["journalctl", "--no-pager", "--lines=40", "--output=cat"]);
    fail(`${command.join(" ")}: ${sentence}\n${stdout}${stderr}\nJournal:\n${journal}`);
  }

  /** What `systemctl show` says of one property of a unit. */
  async property(unit: string, property: string): Promise<string> {
    return (await this.succeed(["systemctl", "show", "--value", `--property=${property}`, unit])).trimEnd();
  }

  /** All that a unit, or the whole machine, has logged since it booted, without times. */
  async journal(unit?: string): Promise<string> {
    const ofUnit = unit === undefined ? [] : [`--unit=${unit}`];
    await this.succeed(["journalctl", "--sync"]);
    return await this.succeed(["journalctl", "--no-pager", "--output=cat", ...ofUnit]);
  }

  /** Adds units, or replaces them; none is enabled or started by it. */
  async addUnits(units: readonly UnitFile[]): Promise<void> {
    for (const { name, text } of units) await this.write(`${UNIT_DIRECTORY}/${name}`, text);
    await this.succeed(["systemctl", "daemon-reload"]);
  }

  /** Where a file of the machine is found by us, until it reboots. */
  path(inside: string): string {
    return `/proc/${this.#pid}/root${inside}`;
  }

  /** Writes a file of root, and the directories above it. */
  async write(path: string, text: string, mode = 0o644): Promise<void> {
    await Deno.mkdir(this.path(dirname(path)), { recursive: true });
    await Deno.writeTextFile(this.path(path), text);
    await Deno.chmod(this.path(path), mode);
  }

  /** Copies a directory of ours into it, with the directories above; root has it, everybody may read it. */
  async copy(from: string, to: string): Promise<void> {
    await Deno.mkdir(this.path(dirname(to)), { recursive: true });
    const args = ["--recursive", "--no-target-directory", from, this.path(to)];
    const { code, stderr } = await run("cp", args, { timeoutMs: COMMAND_TIMEOUT_MS });
    equal(code, 0, stderr);
    await this.succeed(["chmod", "--recursive", "u=rwX,go=rX", to]);
  }

  /** Reads a file. */
  read(path: string): Promise<string> {
    return Deno.readTextFile(this.path(path));
  }

  /**
   * All that was written to its disk since the first boot, one a line: path, kind, mode, owner, and the size of files. A
   * file of the host that was removed is of the kind `c`.
   *
   * @param except Directories that are left out, such as `/var/log`.
   */
  async writtenFiles(except: readonly string[]): Promise<readonly string[]> {
    const disk = `/proc/${this.#child.pid}/root/mnt/upper`;
    const pruned = except.flatMap((path) => ["-path", disk + path, "-prune", "-o"]);
    const described = ["-type", "d", "-printf", "/%P %y %m %U\\n", "-o", "-printf", "/%P %y %m %U %s\\n"];
    const { stdout } = await run("find", [disk, ...pruned, ...described], { timeoutMs: COMMAND_TIMEOUT_MS });
    return stdout.split("\n").slice(0, -1).toSorted();
  }

  /** Shuts down in order, and boots again with the same files; waits for both. */
  async reboot(): Promise<void> {
    await this.run(["systemctl", "reboot"]); // may be ended by what it asks for
    await this.#untilBooted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.abort().catch(() => {});
    await this.#child.status;
    await Promise.all([this.#said.ended, this.#complaints.ended]);
    equal(await Deno.stat(this.cgroup).catch(() => undefined), undefined, this.#complaints.text);
  }

  async #untilBooted(): Promise<void> {
    const [, pid] = await this.#said.until(new RegExp(`(?:booted (\\d+)\n){${++this.#bootCount}}|ended`));
    if (pid === undefined) fail(`it does not boot: ${this.#complaints.text}`);
    this.#pid = Number(pid);
    let state = "";
    await eventually("it boots", async () => {
      state = (await this.run(["systemctl", "is-system-running"])).stdout.trim();
      return state === "running" || state === "degraded";
    }, BOOT_TIMEOUT_MS);
    if (state === "degraded") {
      fail(`units fail at boot: ${await this.succeed(["systemctl", "--failed", "--no-pager"])}`);
    }
  }
}
