import { deepEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import { FileWatch } from "../../../lib/reload/file_watch.ts";
import { until } from "../../fixtures/until.ts";

/** Looks as often as it waits for a change to be over, for the sake of time. */
const HASTY_CLOCK: Pick<Clock, "sleep"> = {
  sleep: (ms, options) => systemClock.sleep(Math.min(ms, 150), options),
};

/** A directory with a file that is watched; the last content that was seen is kept. */
class WatchBed implements AsyncDisposable {
  seen: (string | undefined)[] = [];
  #watch: FileWatch | undefined;

  private constructor(readonly directory: string) {}

  static async create(): Promise<WatchBed> {
    return new WatchBed(await Deno.makeTempDir({ prefix: "file-watch-" }));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(this.path(name), text);
  }

  async watch(name: string): Promise<void> {
    const path = this.path(name);
    const read = () => {
      try {
        return Deno.readTextFileSync(path);
      } catch {
        return undefined;
      }
    };
    this.#watch = await FileWatch.start({
      path,
      onChange: () => this.seen.push(read()),
      clock: HASTY_CLOCK,
    });
  }

  /** Waits until the content that was seen last is this. */
  async untilSeen(text: string | undefined): Promise<void> {
    const isSeen = () => this.seen.length > 0 && this.seen.at(-1) === text;
    await until(isSeen, `"${text}" seen after ${JSON.stringify(this.seen)}`, { withinMs: 10_000 });
  }

  async close(): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await Deno.remove(this.directory, { recursive: true }).catch(() => {}); // a test removed it
  }
}

for (
  const { name, change } of [
    { name: "is written in place", change: (bed: WatchBed) => bed.write("file", "new") },
    {
      name: "is replaced by another one, as editors do",
      change: async (bed: WatchBed) => {
        await bed.write("file.tmp", "new");
        await Deno.rename(bed.path("file.tmp"), bed.path("file"));
      },
    },
    {
      name: "is moved away and made anew",
      change: async (bed: WatchBed) => {
        await Deno.rename(bed.path("file"), bed.path("file~"));
        await bed.write("file", "new");
      },
    },
    {
      name: "is removed and comes back later",
      change: async (bed: WatchBed) => {
        await Deno.remove(bed.path("file"));
        await bed.untilSeen(undefined);
        await bed.write("file", "new");
      },
    },
  ]
) {
  Deno.test(`a file that ${name} is noticed, each time`, async () => {
    await using bed = await WatchBed.create();
    await bed.write("file", "old");
    await bed.watch("file");
    await change(bed);
    await bed.untilSeen("new");
    await bed.write("file", "newer");
    await bed.untilSeen("newer");
  });
}

Deno.test("a file that is written in small pieces is noticed once it is whole", async () => {
  await using bed = await WatchBed.create();
  await bed.write("file", "old");
  await bed.watch("file");
  const pieces = Array.from({ length: 20 }, (_, index) => `line ${index}\n`);
  using file = await Deno.open(bed.path("file"), { write: true, truncate: true });
  for (const piece of pieces) {
    await file.write(new TextEncoder().encode(piece));
    await delay(5);
  }
  await bed.untilSeen(pieces.join(""));
  ok(bed.seen.length <= 3, `seen ${bed.seen.length} times`); // one, but for a host that stood still meanwhile
});

Deno.test("a file behind links of Kubernetes is noticed each time that the links are turned over", async () => {
  await using bed = await WatchBed.create();
  const publish = async (version: string) => {
    await Deno.mkdir(bed.path(`..${version}`));
    await bed.write(`..${version}/file`, version);
    await Deno.symlink(`..${version}`, bed.path("..data_tmp"));
    await Deno.rename(bed.path("..data_tmp"), bed.path("..data"));
  };
  await publish("1");
  await Deno.symlink("..data/file", bed.path("file"));
  await bed.watch("file");
  for (const version of ["2", "3"]) {
    await publish(version);
    await bed.untilSeen(version);
    await Deno.remove(bed.path(`..${Number(version) - 1}`), { recursive: true });
  }
});

Deno.test("a file that a link leads to is noticed where it lies, also after the link leads elsewhere", async () => {
  await using bed = await WatchBed.create();
  for (const place of ["a", "b"]) {
    await Deno.mkdir(bed.path(place));
    await bed.write(`${place}/file`, `old ${place}`);
  }
  await Deno.mkdir(bed.path("own"));
  await Deno.symlink("../a/file", bed.path("own/file"));
  await bed.watch("own/file");
  await bed.write("a/file", "new a");
  await bed.untilSeen("new a");
  await Deno.remove(bed.path("own/file"));
  await Deno.symlink("../b/file", bed.path("own/file"));
  await bed.untilSeen("old b");
  await bed.write("b/file", "new b");
  await bed.untilSeen("new b");
});

Deno.test("what happens to its neighbours is not its change", async () => {
  await using bed = await WatchBed.create();
  await bed.write("file", "old");
  await bed.watch("file");
  for (let count = 0; count < 50; count++) await bed.write(`neighbour ${count}`, "new");
  await delay(400);
  deepEqual(bed.seen, []);
  await bed.write("file", "new");
  await bed.untilSeen("new");
});

Deno.test("nothing is told after its end, also of a change that was being waited out", async () => {
  await using bed = await WatchBed.create();
  await bed.write("file", "old");
  await bed.watch("file");
  await bed.write("file", "new");
  await bed.close();
  await bed.write("file", "newer");
  await delay(400);
  deepEqual(bed.seen, []);
});

Deno.test("a file whose directory is not there yet, or goes and comes back, is noticed when it comes", async () => {
  await using bed = await WatchBed.create();
  await bed.watch("own/file");
  for (const version of ["1", "2"]) {
    await Deno.mkdir(bed.path("own"));
    await bed.write("own/file", version);
    await bed.untilSeen(version);
    await Deno.remove(bed.path("own"), { recursive: true });
    await bed.untilSeen(undefined);
  }
});

Deno.test("a FIFO beside the file holds nobody up", async () => {
  await using bed = await WatchBed.create();
  await bed.write("file", "old");
  await bed.watch("file");
  const makeFifo = (name: string) => new Deno.Command("mkfifo", { args: [bed.path(name)] }).output();
  await makeFifo("fifo");
  await bed.write("file", "new");
  await bed.untilSeen("new");
  await Deno.remove(bed.path("fifo"));
  await bed.write("file", "newer");
  await bed.untilSeen("newer");
});
