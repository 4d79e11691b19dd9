import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createLogger, silentLogger } from "../../../lib/log.ts";
import { LogFile } from "../../../lib/process/log_file.ts";

async function withDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("LogFile holds all lines once it is disposed, readable by its owner only", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/a.log`;
    {
      await using file = new LogFile({ path, logger: silentLogger });
      for (const line of ["one", "zwö", "three"]) file.append(line);
    }
    equal(await Deno.readTextFile(path), "one\nzwö\nthree\n");
    equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  }));

Deno.test("LogFile makes the directory of its file: the first start of all lost its log", () =>
  withDirectory(async (directory) => {
    const warnings: string[] = [];
    const path = `${directory}/state/logs/a.log`;
    {
      await using file = new LogFile({ path, logger: createLogger({ sink: (line) => warnings.push(line) }) });
      file.append("one");
    }
    equal(await Deno.readTextFile(path), "one\n");
    equal((await Deno.stat(`${directory}/state/logs`)).mode! & 0o777, 0o700);
    deepEqual(warnings, []);
  }));

Deno.test("LogFile appends to the file of an earlier life", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/a.log`;
    for (const line of ["one", "two"]) {
      await using file = new LogFile({ path, logger: silentLogger });
      file.append(line);
    }
    equal(await Deno.readTextFile(path), "one\ntwo\n");
  }));

Deno.test("LogFile keeps one older file and stays below twice its limit", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/a.log`;
    {
      await using file = new LogFile({ path, maxBytes: 100, logger: silentLogger });
      for (let number = 0; number < 100; number++) file.append(`line ${number}`);
    }
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name).toSorted();
    equal(names.join(), "a.log,a.log.1");
    match(await Deno.readTextFile(path), /line 99\n$/);
    ok((await Deno.stat(`${path}.1`)).size < 120);
  }));

Deno.test({
  name: "LogFile survives a full disk with one warning and counts what it lost",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const warnings: string[] = [];
    const logger = createLogger({ sink: (line) => warnings.push(line) });
    const file = new LogFile({ path: "/dev/full", logger });
    for (let number = 0; number < 10; number++) {
      file.append("lost");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await file[Symbol.asyncDispose]();
    equal(file.droppedCount, 10);
    equal(warnings.length, 1);
    match(warnings[0]!, /log file cannot be written.*No space left/);
  },
});

Deno.test("LogFile drops lines instead of growing when they come faster than they are written", () =>
  withDirectory(async (directory) => {
    await using file = new LogFile({ path: `${directory}/a.log`, logger: silentLogger });
    const line = "x".repeat(10_000);
    for (let number = 0; number < 100; number++) file.append(line);
    ok(file.droppedCount > 50);
  }));

Deno.test("LogFile writes a line that comes just as the one before it was written: it waited for the next", () =>
  withDirectory(async (directory) => {
    for (let steps = 0; steps < 16; steps++) {
      const path = `${directory}/${steps}.log`;
      {
        await using file = new LogFile({ path, logger: silentLogger });
        await using written = watchNextWrite();
        file.append("one");
        await written.done;
        for (let step = 0; step < steps; step++) await Promise.resolve();
        file.append("two");
      }
      equal(await Deno.readTextFile(path), "one\ntwo\n", `${steps} microtasks after the write`);
    }
  }));

/** Tells the moment in which the next write to any file is done. */
function watchNextWrite(): AsyncDisposable & { done: Promise<void> } {
  const original = Deno.FsFile.prototype.write;
  const { promise, resolve } = Promise.withResolvers<void>();
  Deno.FsFile.prototype.write = function (bytes) {
    Deno.FsFile.prototype.write = original;
    return original.call(this, bytes).then((count) => (resolve(), count));
  };
  const restore = () => {
    Deno.FsFile.prototype.write = original;
    return Promise.resolve();
  };
  return { done: promise, [Symbol.asyncDispose]: restore };
}
