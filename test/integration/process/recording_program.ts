import { ChildProcess } from "../../../lib/process/child.ts";
import { ProcessRecorder } from "../../../lib/process/process_recorder.ts";
import { silentLogger } from "../../../lib/log.ts";
import { openDatabase } from "../../../lib/store/open_database.ts";
import { RunningStore } from "../../../lib/store/running_store.ts";

/** A program that starts `sleep` for the seconds that it is told, records that in a file, tells its pid and waits to be killed. */
const [file = "", seconds = ""] = Deno.args;
using database = openDatabase(file, { logger: silentLogger });
const child = await ChildProcess.spawn({ program: "sleep", args: [seconds] });
new ProcessRecorder(new RunningStore(database, { logger: silentLogger })).record(child, {
  model: "m",
  words: [seconds],
});
await Deno.stdout.write(new TextEncoder().encode(`${child.pid}\n`));
await child.exited;
