import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type LeftoverOptions, type LeftoverOutcome, stopLeftovers } from "../../../lib/process/leftovers.ts";
import { ProcessTable } from "../../../lib/process/process_table.ts";
import { type RunningProcess, RunningStore } from "../../../lib/store/running_store.ts";
import { RecordedLog } from "../../fixtures/recorded_log.ts";
import { StateDirectory } from "../../fixtures/state_directory.ts";
import { until } from "../../fixtures/until.ts";
import { isRunning, untilGone } from "./process_probe.ts";

const table = new ProcessTable();
const SLOW = { withinMs: 20_000 };
let sleeperCount = 0;

/** A process in a group of its own that nobody stops but the test. */
class Sleeper implements AsyncDisposable {
  /** On its command line, and on no other. */
  readonly word = `${100_000 + ++sleeperCount}.${Deno.pid}`;
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;

  /** Runs a script in which `$0` is the word, and that says `up` when it may be examined. */
  constructor(script = `echo up; exec sleep "$0"`) {
    this.#child = new Deno.Command("/bin/sh", {
      args: ["-c", script, this.word],
      detached: true,
      stdin: "null",
      stdout: "piped",
    }).spawn();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** As a gateway recorded it that is gone. */
  async record(told: Partial<RunningProcess> = {}): Promise<RunningProcess> {
    match((await this.#output.read()).value ?? "", /^up/);
    const { startTicks } = table.read(this.pid)!;
    const words = [this.word];
    return { pid: this.pid, startTicks, ...table.readSpace()!, words, model: "m", ...GONE_OWNER, ...told };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      Deno.kill(-this.pid, "SIGKILL");
    } catch {
      // the test has seen to it
    }
    await this.#child.status;
    await this.#output.cancel();
  }
}

const own = table.read(Deno.pid)!;
/** Its pid is ours now. */
const GONE_OWNER = { ownerPid: Deno.pid, ownerStartTicks: own.startTicks - 1 };
const LIVING_OWNER = { ownerPid: Deno.pid, ownerStartTicks: own.startTicks };

async function stop(
  records: RunningProcess[],
  options: Partial<LeftoverOptions> = {},
): Promise<readonly LeftoverOutcome[]> {
  const { logger } = new RecordedLog();
  return await stopLeftovers(records, { signal: new AbortController().signal, logger, ...options });
}

Deno.test("a left-over process is stopped, and what was done is told", async () => {
  await using sleeper = new Sleeper();
  const record = await sleeper.record();
  const log = new RecordedLog();
  const [outcome] = await stop([record], { logger: log.logger, graceMs: 20_000 });
  deepEqual(outcome, {
    process: record,
    isGone: true,
    because: `stopped the coordinator of "m" (pid ${sleeper.pid}), left by a gateway that was killed`,
  });
  equal(isRunning(sleeper.pid), false);
  deepEqual(log.said, ["info left-over process gone"]);
});

Deno.test("one that ignores SIGTERM is killed, with all of its group", async () => {
  await using sleeper = new Sleeper(`trap '' TERM; sleep 1000 & echo up; exec sleep "$0"`);
  const record = await sleeper.record();
  const [leader, ...others] = table.readGroup(sleeper.pid);
  ok(leader && others.length === 1);
  const [outcome] = await stop([record], { graceMs: 50 });
  match(
    outcome!.because,
    /^killed the coordinator of "m" \(pid \d+\), left by .*: it ignored SIGTERM for 50 ms$/,
  );
  equal(outcome?.isGone, true);
  for (const { pid } of [leader, ...others]) equal(isRunning(pid), false);
});

Deno.test("what a script has started is stopped when the script is gone already", async () => {
  await using sleeper = new Sleeper(`sleep "$0" & echo up; wait`);
  const record = await sleeper.record();
  Deno.kill(sleeper.pid, "SIGKILL"); // only the script
  await untilGone(sleeper.pid);
  await until(() => table.readGroup(sleeper.pid).length === 1, "the sleep runs alone", SLOW);
  const [outcome] = await stop([record], { graceMs: 20_000 });
  match(outcome!.because, /^stopped /);
  deepEqual(table.readGroup(sleeper.pid), []);
});

const UNTOUCHED: Record<
  string,
  { told: (record: RunningProcess) => Partial<RunningProcess>; isGone: boolean; why: RegExp }
> = {
  "whose pid is that of a later process": {
    told: ({ startTicks }) => ({ startTicks: startTicks - 1 }),
    isGone: true,
    why: /has ended: its pid is that of another process now$/,
  },
  "whose pid is that of an earlier process": {
    told: ({ startTicks }) => ({ startTicks: startTicks + 1 }),
    isGone: true,
    why: /has ended: its pid is that of another process now$/,
  },
  "that has another command line": {
    told: ({ words }) => ({ words: ["-m", ...words] }),
    isGone: true,
    why: /has ended: what has its pid now runs another program$/,
  },
  "of which only a part of a word is known": {
    told: ({ words }) => ({ words: [words[0]!.slice(0, 4)] }),
    isGone: true,
    why: /has ended: what has its pid now runs another program$/,
  },
  "of an earlier start of the host": {
    told: () => ({ bootId: "another" }),
    isGone: true,
    why: /has ended: the host was started again since$/,
  },
  "of another container": {
    told: () => ({ pidNamespace: "pid:[1]" }),
    isGone: false,
    why: /is left alone: it belongs to another container$/,
  },
  "whose gateway lives": {
    told: () => LIVING_OWNER,
    isGone: false,
    why: /is left alone: the gateway that started it \(pid \d+\) runs$/,
  },
};

for (const [name, { told, isGone, why }] of Object.entries(UNTOUCHED)) {
  Deno.test(`a process ${name} is not touched`, async () => {
    await using sleeper = new Sleeper();
    const record = await sleeper.record();
    const [outcome] = await stop([{ ...record, ...told(record) }]);
    match(outcome!.because, why);
    equal(outcome?.isGone, isGone);
    equal(isRunning(sleeper.pid), true);
  });
}

Deno.test("where processes cannot be seen nobody is touched, and the record stays", async () => {
  await using sleeper = new Sleeper();
  const [outcome] = await stop([await sleeper.record()], { processes: new ProcessTable("/no/such/proc") });
  match(outcome!.because, /is left alone: \/proc cannot be read, so nobody can tell whether it runs$/);
  deepEqual([outcome?.isGone, isRunning(sleeper.pid)], [false, true]);
});

Deno.test("one that has ended has ended", async () => {
  await using sleeper = new Sleeper();
  const record = await sleeper.record();
  Deno.kill(sleeper.pid, "SIGKILL");
  await untilGone(sleeper.pid);
  const [outcome] = await stop([record]);
  match(outcome!.because, /has ended: nothing of it is left$/);
  equal(outcome?.isGone, true);
});

Deno.test("one that the kernel is about to take away is waited for, and gets no signal", async () => {
  await using directory = await StateDirectory.create();
  const root = directory.path;
  const [pid, startTicks] = [4_194_303, 1]; // above the highest pid there is
  const stat = (state: string) => `${pid} (llama-server) ${state} 1 ${pid} ${"0 ".repeat(16)}${startTicks} 0`;
  for (const folder of ["sys/kernel/random", "self/ns", `${pid}`]) {
    await Deno.mkdir(join(root, folder), { recursive: true });
  }
  await Deno.writeTextFile(join(root, "sys/kernel/random/boot_id"), "boot");
  await Deno.symlink("pid:[1]", join(root, "self/ns/pid"));
  await Deno.writeTextFile(join(root, `${pid}/stat`), stat("S"));
  await Deno.writeTextFile(join(root, `${pid}/cmdline`), "");
  const record = {
    ...{ pid, startTicks, bootId: "boot", pidNamespace: "pid:[1]", words: ["llama-server"], model: "m" },
    ...GONE_OWNER,
  };
  let isTold = false;
  const stopped = stop([record], { processes: new ProcessTable(root) }).finally(() => isTold = true);
  await delay(60);
  equal(isTold, false);
  await Deno.writeTextFile(join(root, `${pid}/stat`), stat("Z"));
  const [outcome] = await stopped;
  equal(outcome?.isGone, true);
});

Deno.test("one that has ended and that nobody waits for has ended, too; such a gateway owns nothing", async () => {
  // sleep does not wait for the child that the shell before it has started
  await using negligent = new Sleeper(`setsid sleep 60 & echo up; exec sleep "$0"`);
  const record = await negligent.record();
  const zombie = await childOf(negligent.pid);
  await until(() => table.read(zombie)?.groupId === zombie, "it leads a group", SLOW);
  Deno.kill(zombie, "SIGKILL");
  await until(() => table.read(zombie)?.isAlive === false, "it is a zombie", SLOW);
  const { startTicks } = table.read(zombie)!;
  const [outcome] = await stop([{ ...record, pid: zombie, startTicks }]);
  match(outcome!.because, /has ended: nothing of it is left$/);
  const [owned] = await stop([{ ...record, ownerPid: zombie, ownerStartTicks: startTicks }], {
    graceMs: 20_000,
  });
  match(owned!.because, /^stopped /);
});

/** The only child of a process. */
async function childOf(pid: number): Promise<number> {
  const path = `/proc/${pid}/task/${pid}/children`;
  await until(() => /^\d+ $/.test(Deno.readTextFileSync(path)), "it has a child", SLOW);
  return Number(Deno.readTextFileSync(path));
}

Deno.test("several are stopped at a time, each with its own outcome in order", async () => {
  await using first = new Sleeper();
  await using second = new Sleeper();
  await using third = new Sleeper();
  const records = [await first.record(), await second.record(LIVING_OWNER), await third.record()];
  const outcomes = await stop(records, { graceMs: 20_000 });
  deepEqual(outcomes.map(({ isGone }) => isGone), [true, false, true]);
  deepEqual([first, second, third].map(({ pid }) => isRunning(pid)), [false, true, false]);
  deepEqual(await stop([]), []);
});

Deno.test("two that stop the same leftover both find it gone", async () => {
  await using sleeper = new Sleeper();
  const record = await sleeper.record();
  const outcomes = await Promise.all([1, 2].map(() => stop([record], { graceMs: 20_000 })));
  deepEqual(outcomes.flat().map(({ isGone }) => isGone), [true, true]);
});

Deno.test("an abort ends the waiting for one that does not end", async () => {
  await using sleeper = new Sleeper(`trap '' TERM; echo up; exec sleep "$0"`);
  const record = await sleeper.record();
  const reason = new Error("we are stopped ourselves");
  const leaving = new AbortController();
  const stopping = stop([record], { signal: leaving.signal, graceMs: 3_600_000 });
  leaving.abort(reason);
  await rejects(stopping, reason);
  equal(isRunning(sleeper.pid), true);
});

/** A gateway that records a child and is killed; without setpriv on its `PATH`, so that the child lives on. */
async function startGateway(state: StateDirectory, seconds: string) {
  const bin = join(state.path, "bin");
  await Deno.mkdir(bin, { recursive: true });
  await Deno.symlink("/bin/sleep", join(bin, "sleep")).catch(() => {});
  const program = new URL("recording_program.ts", import.meta.url).pathname;
  const gateway = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", program, state.file, seconds],
    env: { PATH: bin },
    cwd: dirname(program),
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const output = gateway.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const childPid = Number((await output.read()).value);
  return {
    childPid,
    async kill() {
      gateway.kill("SIGKILL");
      await gateway.status;
      await output.cancel();
    },
  };
}

Deno.test("after kill -9 of a gateway the next one stops what it left, but nothing of a gateway that lives", async () => {
  await using state = await StateDirectory.create();
  const killed = await startGateway(state, "200001");
  const living = await startGateway(state, "200002");
  try {
    await killed.kill();
    equal(isRunning(killed.childPid), true, "without setpriv it lives on");
    using database = state.open();
    const store = new RunningStore(database, state.log);
    const outcomes = await stop(store.list(), { graceMs: 20_000 });
    for (const { process, isGone } of outcomes) if (isGone) store.remove(process);
    deepEqual([killed, living].map(({ childPid }) => isRunning(childPid)), [false, true]);
    deepEqual(store.list().map(({ pid }) => pid), [living.childPid]);
  } finally {
    await living.kill();
    for (const { childPid } of [killed, living]) if (isRunning(childPid)) Deno.kill(childPid, "SIGKILL");
  }
});
