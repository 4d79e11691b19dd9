import { deepEqual, equal } from "node:assert/strict";
import { ChildProcess } from "../../../lib/process/child.ts";
import { ProcessRecorder } from "../../../lib/process/process_recorder.ts";
import { ProcessTable } from "../../../lib/process/process_table.ts";
import { RunningStore } from "../../../lib/store/running_store.ts";
import { StateDirectory } from "../../fixtures/state_directory.ts";

const table = new ProcessTable();
const COMMAND = { model: "llama3.2", words: ["1000"] };

Deno.test("a child is recorded for as long as it runs, so that it can be told from all others", async () => {
  await using state = await StateDirectory.create();
  using database = state.open();
  const store = new RunningStore(database, state.log);
  await using child = await ChildProcess.spawn({ program: "sleep", args: ["1000"] });
  equal(new ProcessRecorder(store).record(child, COMMAND), true);
  const { startTicks, groupId } = table.read(child.pid)!;
  const owner = table.read(Deno.pid)!;
  deepEqual(store.list(), [{
    pid: child.pid,
    startTicks,
    ...table.readSpace()!,
    ...COMMAND,
    ownerPid: Deno.pid,
    ownerStartTicks: owner.startTicks,
  }]);
  equal(groupId, child.pid, "it leads its group");
  await child.stop();
  deepEqual(store.list(), []);
});

Deno.test("children that end by themselves, and in another order, leave no record", async () => {
  await using state = await StateDirectory.create();
  using database = state.open();
  const store = new RunningStore(database, state.log);
  const recorder = new ProcessRecorder(store);
  await using longer = await ChildProcess.spawn({ program: "sleep", args: ["1000"] });
  recorder.record(longer, COMMAND);
  await using shorter = await ChildProcess.spawn({ program: "sleep", args: ["0"] });
  recorder.record(shorter, COMMAND);
  await shorter.exited;
  deepEqual(store.list().map(({ pid }) => pid), [longer.pid]);
});

Deno.test("where processes cannot be told apart nothing is recorded", async () => {
  await using state = await StateDirectory.create();
  using database = state.open();
  const store = new RunningStore(database, state.log);
  await using child = await ChildProcess.spawn({ program: "sleep", args: ["1000"] });
  equal(new ProcessRecorder(store, new ProcessTable("/no/such/proc")).record(child, COMMAND), false);
  deepEqual(store.list(), []);
});

Deno.test("a child that has ended already is forgotten", async () => {
  await using state = await StateDirectory.create();
  using database = state.open();
  const store = new RunningStore(database, state.log);
  await using child = await ChildProcess.spawn({ program: "sleep", args: ["0"] });
  await child.exited;
  equal(new ProcessRecorder(store).record(child, COMMAND), false);
  deepEqual(store.list(), []);
});

Deno.test("a state that cannot be kept does not hinder the start, and is told", async () => {
  await using state = await StateDirectory.create();
  await Deno.writeTextFile(`${state.path}/state`, "a file where the directory would be");
  using database = state.open();
  const store = new RunningStore(database, state.log);
  await using child = await ChildProcess.spawn({ program: "sleep", args: ["1000"] });
  equal(new ProcessRecorder(store).record(child, COMMAND), false);
  deepEqual(state.log.said, ["warn state cannot be kept and is in memory only"]);
});

Deno.test("a table of processes finds itself, a group, and no process that does not exist", () => {
  const self = table.read(Deno.pid);
  equal(self?.isAlive, true);
  equal(table.readGroup(self!.groupId).some(({ pid }) => pid === Deno.pid), true);
  equal(table.readCommandLine(Deno.pid)[0]?.includes("deno"), true);
  equal(table.read(2 ** 30), undefined);
  deepEqual([table.readGroup(2 ** 30), table.readCommandLine(2 ** 30)], [[], []]);
});
