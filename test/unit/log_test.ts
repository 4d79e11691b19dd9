import { deepEqual, equal, match } from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { createLogger, type LoggerOptions } from "../../lib/log.ts";
import { BufferedLogSink } from "../../lib/log_sink.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

function record(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  return {
    lines,
    logger: createLogger({ sink: (line) => lines.push(line), clock: new FakeClock(0), ...options }),
  };
}

Deno.test("a line is one JSON object: time, level, message, the child's fields, its own fields", () => {
  const { lines, logger } = record();
  logger.child({ model: "m" }).info("loaded", { loadMs: 5 });
  deepEqual(lines.map((line) => JSON.parse(line)), [
    { time: "1970-01-01T00:00:00.000Z", level: "info", message: "loaded", model: "m", loadMs: 5 },
  ]);
});

Deno.test("an error among the fields is written with its causes, not as {}", () => {
  const { lines, logger } = record();
  logger.warn("failed", { error: new Error("no answer", { cause: new Error("refused") }) });
  equal(JSON.parse(lines[0]!).error, "no answer (refused)");
});

Deno.test("lines below the level are not written", () => {
  const { lines, logger } = record({ level: "warn" });
  logger.debug("a");
  logger.info("b");
  logger.error("c");
  equal(lines.length, 1);
});

Deno.test("the pretty form is one line that names the fields", () => {
  const { lines, logger } = record({ format: "pretty" });
  logger.info("coordinator state", { state: "ready", layers: [3, 3, 3], nothing: undefined });
  match(
    stripVTControlCharacters(lines[0]!),
    /^00:00:00 info {2}coordinator state state=ready layers=\[3,3,3\]$/,
  );
});

for (
  const { name, value, want } of [
    { name: "a line feed", value: "m\nerror=no", want: String.raw`"m\nerror=no"` },
    { name: "an escape code", value: "m\x1b[31m", want: String.raw`"m\u001b[31m"` },
    { name: "a C1 control, which JSON leaves alone", value: "m\x9b31m", want: String.raw`"m\u009b31m"` },
    { name: "a turned direction", value: "m\u202egnp", want: String.raw`"m\u202egnp"` },
    {
      name: "controls within a list",
      value: ["a\n", "\x9b\u2066"],
      want: String.raw`["a\n","\u009b\u2066"]`,
    },
    { name: "controls in a key", value: { "\u202e": 1 }, want: String.raw`{"\u202e":1}` },
    { name: "an error's line feed", value: new Error("a\nb"), want: String.raw`"a\nb"` },
    { name: "nothing but letters and spaces", value: "größer als 1", want: "größer als 1" },
  ]
) {
  Deno.test(`the pretty form lets no client forge a line or colour the terminal: ${name}`, () => {
    const { lines, logger } = record({ format: "pretty" });
    logger.info("request", { model: value });
    equal(stripVTControlCharacters(lines[0]!), `00:00:00 info  request model=${want}`);
  });
}

Deno.test("the sink gathers the lines of one turn into one write", async () => {
  const writes: string[] = [];
  const sink = new BufferedLogSink({
    write: (bytes) => Promise.resolve(writes.push(new TextDecoder().decode(bytes)) && bytes.byteLength),
  });
  sink.sink("a", "info");
  sink.sink("b", "info");
  await sink.flush();
  deepEqual(writes, ["a\nb\n"]);
});

Deno.test("a full disk loses lines, says how many, and never throws", async () => {
  let isFull = true;
  const writes: string[] = [];
  const sink = new BufferedLogSink({
    write: (bytes) => {
      if (isFull) return Promise.reject(new Error("No space left on device (os error 28)"));
      writes.push(new TextDecoder().decode(bytes));
      return Promise.resolve(bytes.byteLength);
    },
  });
  for (const line of ["a", "b", "c"]) sink.sink(line, "info");
  await sink.flush();
  isFull = false;
  sink.sink("d", "info");
  await sink.flush();
  deepEqual(writes, [`{"level":"warn","message":"log lines dropped","droppedCount":3}\nd\n`]);
});

Deno.test("a stalled reader costs bounded memory", async () => {
  let release = () => {};
  const stalled = new Promise<void>((resolve) => release = resolve);
  let written = 0;
  const sink = new BufferedLogSink({
    write: async (bytes) => {
      await stalled;
      written += bytes.byteLength;
      return bytes.byteLength;
    },
  });
  sink.sink("first", "info");
  await Promise.resolve();
  for (let i = 0; i < 10_000; i++) sink.sink("x".repeat(1_000), "info");
  release();
  await sink.flush();
  equal(written < 5 * 1024 * 1024, true, `${written} bytes were kept`);
});

for (const { name, abort } of [{ name: "before", abort: true }, { name: "amid", abort: false }]) {
  Deno.test(`a flush into a pipe that nobody reads ends with its signal, aborted ${name} the wait`, async () => {
    const sink = new BufferedLogSink({ write: () => new Promise(() => {}) });
    sink.sink("never read", "info");
    const stop = new AbortController();
    if (abort) stop.abort();
    const flushed = sink.flush({ signal: stop.signal });
    await Promise.resolve();
    stop.abort();
    await flushed;
  });
}
