import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { batchCommands } from "../../../lib/cli/commands/batch.ts";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { FakeBatchService } from "../../fakes/fake_batch_service.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { BatchBed, inputLines } from "../../fixtures/batch_bed.ts";
import { batchOf } from "../../fixtures/batch_of.ts";
import { until } from "../../fixtures/until.ts";
import { BatchesBed } from "../gateway/batches_bed.ts";

const ROOT = { ...createRoot(), commands: [batchCommands] };

/** @returns The id of a batch that is completed, with such an output. */
function beginEnded(service: FakeBatchService, outputFileId: string): string {
  const { id: inputFileId } = service.keep("in", new Uint8Array(1));
  const { id } = service.createBatch({
    inputFileId,
    endpoint: "/v1/embeddings",
    completionWindow: "24h",
    metadata: {},
  });
  const counts = { total: 100, completed: 100, failed: 0 };
  service.change(id, { status: "completed", endedAtMs: 1, outputFileId, counts });
  return id;
}

/** A directory with a file of requests, a gateway, and the program beside it. */
class CliBed implements AsyncDisposable {
  private constructor(readonly bed: BatchBed, readonly directory: string, public routes: BatchesBed) {}

  static async open(service?: FakeBatchService): Promise<CliBed> {
    const bed = await BatchBed.create();
    const directory = await Deno.makeTempDir({ prefix: "sollol-cli-" });
    return new CliBed(bed, directory, new BatchesBed(service ?? bed.open(), { maxFileBytes: 1_000_000 }));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  async write(name: string, lines: readonly string[]): Promise<string> {
    await Deno.writeTextFile(this.path(name), lines.map((line) => `${line}\n`).join(""));
    return this.path(name);
  }

  /** The lines of a file as JSON. */
  async read(name: string) {
    const text = await Deno.readTextFile(this.path(name));
    return text.trimEnd().split("\n").map((line) => JSON.parse(line));
  }

  /** Names of what is in the directory. */
  get names(): string[] {
    return [...Deno.readDirSync(this.directory)].map(({ name }) => name).sort();
  }

  start(args: string[], signal?: AbortSignal) {
    const host = new FakeCliHost(signal ? { signal } : {});
    return { host, exitCode: runCli(ROOT, ["batch", ...args, "--gateway", this.routes.url], host) };
  }

  async run(...args: string[]) {
    const { host, exitCode } = this.start(args);
    return { exitCode: await exitCode, stdout: host.stdout.text, stderr: host.stderr.text, host };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.routes[Symbol.asyncDispose]();
    await this.bed[Symbol.asyncDispose]();
    await Deno.remove(this.directory, { recursive: true });
  }
}

Deno.test("sollol batch run sends a file, waits, and puts the answers beside it in its order", async () => {
  await using cli = await CliBed.open();
  const file = await cli.write('ques"tions.jsonl', inputLines(120));
  const { exitCode, stdout, stderr } = await cli.run("run", file);
  equal(exitCode, 0, stderr);
  const output = await cli.read('ques"tions.out.jsonl');
  deepEqual(output.map((line) => line.custom_id), Array.from({ length: 120 }, (_, n) => `c${n}`));
  deepEqual(cli.names, ['ques"tions.jsonl', 'ques"tions.out.jsonl']);
  match(stdout, /status +completed\n.*\nrequests +120 of 120 done\n/);
  match(stdout, /answers +.*ques"tions\.out\.jsonl\n/);
  match(stderr, /^Reading .*\nUploading ques"tions\.jsonl, 8\.8 KiB\n/);
});

Deno.test("sollol batch run ends with 1 where a request failed, and says which", async () => {
  await using cli = await CliBed.open();
  cli.bed.answer = ({ n }) => n === 3 ? { status: 400, body: { error: { message: "no" } } } : {};
  const file = await cli.write("a.jsonl", inputLines(5));
  const { exitCode, host } = await cli.run(
    "run",
    file,
    "--json",
    "--output",
    cli.path("b"),
    "--window",
    "2h",
  );
  equal(exitCode, 1);
  const { batch, output, errors } = host.json() as {
    batch: Record<string, unknown>;
    output: string;
    errors: string;
  };
  deepEqual([batch["counts"], batch["completionWindow"]], [{ total: 5, completed: 4, failed: 1 }, "2h"]);
  deepEqual([output, errors], [cli.path("b"), cli.path("a.errors.jsonl")]);
  deepEqual((await cli.read("a.errors.jsonl")).map((line) => [line.custom_id, line.response.status_code]), [[
    "c3",
    400,
  ]]);
  equal((await cli.read("b")).length, 4);
});

Deno.test("sollol batch run shows the mistakes of a file with their lines", async () => {
  await using cli = await CliBed.open();
  const file = await cli.write("a.jsonl", [...inputLines(2), "{", '{"custom_id":"x","method":"GET"}']);
  const { exitCode, stderr } = await cli.run("run", file);
  equal(exitCode, 1);
  match(
    stderr,
    /sollol: Cannot run batch batch_\w+: its input has mistakes\nline 3: .*JSON.*\nline 4: "method" must be/,
  );
  deepEqual(cli.names, ["a.jsonl"]);
});

for (
  const { name, args, exitCode, says } of [
    {
      name: "a file that is not there",
      args: ["@none.jsonl"],
      exitCode: 1,
      says: /Cannot run ".*none\.jsonl": there is no such file/,
    },
    {
      name: "an empty file",
      args: ["@empty.jsonl"],
      exitCode: 1,
      says: /it is empty; write one request a line/,
    },
    { name: "a directory", args: ["@."], exitCode: 1, says: /it is a directory/ },
    {
      name: "a file whose first line is no request",
      args: ["@text.txt"],
      exitCode: 1,
      says: /the "url" of its first line must be one of/,
    },
    {
      name: "a result that is there",
      args: ["@done.jsonl"],
      exitCode: 1,
      says: /done\.out\.jsonl" is there already; name another by --output, or give --force/,
    },
    {
      name: "errors that are there",
      args: ["@half.jsonl"],
      exitCode: 1,
      says: /half\.errors\.jsonl" is there already/,
    },
    {
      name: "answers where the errors go",
      args: ["@fine.jsonl", "--output", "@fine.errors.jsonl"],
      exitCode: 2,
      says: /must be three files; name another by --output/,
    },
    {
      name: "answers where the errors go by another path",
      args: ["@fine.jsonl", "--output", "@no/.././fine.errors.jsonl", "--force"],
      exitCode: 2,
      says: /must be three files/,
    },
    {
      name: "answers where the requests are",
      args: ["@fine.jsonl", "-o", "@./fine.jsonl", "--force"],
      exitCode: 2,
      says: /must be three files/,
    },
    {
      name: "answers that have the name of the requests until they are whole",
      args: ["@fine.part", "-o", "@fine", "--force"],
      exitCode: 2,
      says: /must be three files/,
    },
    {
      name: "answers in a folder that is not there",
      args: ["@fine.jsonl", "--output", "@no/folder"],
      exitCode: 1,
      says: /Cannot write ".*no\/folder": .*name another place/,
    },
    { name: "no file", args: [], exitCode: 2, says: /FILE is missing/ },
    {
      name: "a window that is none",
      args: ["@fine.jsonl", "--window", "soon"],
      exitCode: 2,
      says: /--window: "soon" is not a duration/,
    },
    {
      name: "a window of nothing",
      args: ["@fine.jsonl", "--window", "0s"],
      exitCode: 1,
      says: /"completion_window" must be/,
    },
    {
      name: "an endpoint of another kind",
      args: ["@fine.jsonl", "--endpoint", "/v1/images"],
      exitCode: 2,
      says: /--endpoint must be one of/,
    },
    {
      name: "a file that is too large there",
      args: ["@large.jsonl"],
      exitCode: 1,
      says: /more than 976\.6 KiB; .*batch\.max_file/,
    },
  ]
) {
  Deno.test(`sollol batch run refuses ${name}, and begins nothing`, async () => {
    await using cli = await CliBed.open();
    await cli.write("fine.jsonl", inputLines(1));
    await cli.write("empty.jsonl", ["", "  ", ""]);
    await cli.write("text.txt", ["Dear gateway,"]);
    await cli.write("large.jsonl", [...inputLines(1), " ".repeat(5_000_000)]);
    for (const there of ["done.jsonl", "done.out.jsonl", "half.jsonl", "half.errors.jsonl"]) {
      await cli.write(there, inputLines(1));
    }
    await cli.write("fine.part", inputLines(1));
    const before = cli.names;
    const result = await cli.run("run", ...args.map((arg) => arg.replace(/^@/, `${cli.directory}/`)));
    match(result.stderr, says);
    equal(result.exitCode, exitCode);
    deepEqual([cli.names, cli.bed.asked.length], [before, 0]);
  });
}

Deno.test("sollol batch run --force replaces results, and leaves none of an earlier batch", async () => {
  await using cli = await CliBed.open();
  const file = await cli.write("a.jsonl", inputLines(2));
  await cli.write("a.out.jsonl", ["old"]);
  await cli.write("a.errors.jsonl", ["old"]);
  equal((await cli.run("run", file, "--force")).exitCode, 0);
  deepEqual(cli.names, ["a.jsonl", "a.out.jsonl"]);
  equal((await cli.read("a.out.jsonl")).length, 2);
});

Deno.test("sollol batch run says on Ctrl-C that the batch goes on, and --resume fetches its results", async () => {
  await using cli = await CliBed.open();
  const held = Promise.withResolvers<void>();
  cli.bed.answer = async () => (await held.promise, {});
  const file = await cli.write("a.jsonl", inputLines(3));
  const stop = new AbortController();
  const { host, exitCode } = cli.start(["run", file], stop.signal);
  await until(() => /0 of 3 done/.test(host.stderr.text), "the batch is under way", { withinMs: 10_000 });
  stop.abort(new DOMException("Stopped by SIGINT", "AbortError"));
  equal(await exitCode, 130);
  const said =
    /Batch (batch_\w+) goes on: "sollol batch run (.*) --resume \1" waits for it, "sollol batch cancel \1" ends it\n/
      .exec(host.stderr.text);
  ok(said, host.stderr.text);
  equal(said[2], file);
  deepEqual(cli.names, ["a.jsonl"]);
  held.resolve();
  const resumed = await cli.run("run", file, "--resume", said[1]!);
  equal(resumed.exitCode, 0, resumed.stderr);
  equal((await cli.read("a.out.jsonl")).length, 3);
  const again = await cli.run("run", "--resume", said[1]!, "--output", cli.path("again"), "--json");
  deepEqual([again.exitCode, (await cli.read("again")).length], [0, 3]);
});

Deno.test("sollol batch run waits while the gateway restarts", async () => {
  const service = new FakeBatchService();
  await using cli = await CliBed.open(service);
  const file = await cli.write("a.jsonl", inputLines(1));
  const { host, exitCode } = cli.start(["run", file]);
  await until(() => service.batches.size === 1, "the batch has begun");
  const [id] = [...service.batches.keys()] as [string];
  const { port } = cli.routes;
  await cli.routes[Symbol.asyncDispose]();
  await until(() => /asked again until it answers: No gateway runs/.test(host.stderr.text), "it is missed", {
    withinMs: 10_000,
  });
  const { id: outputFileId } = service.keep("out", new TextEncoder().encode("{}\n"), "batch_output");
  service.change(id, {
    ...batchOf("completed", { endedAtMs: 1, counts: { total: 1, completed: 1, failed: 0 } }),
    id,
    outputFileId,
  });
  cli.routes = new BatchesBed(service, { port });
  equal(await exitCode, 0, host.stderr.text);
  deepEqual(await cli.read("a.out.jsonl"), [{}]);
});

Deno.test("sollol batch run fetches results again that broke off", async () => {
  const service = new FakeBatchService();
  await using cli = await CliBed.open(service);
  const { id: outputFileId } = service.keep(
    "out",
    new TextEncoder().encode("{}\n".repeat(100)),
    "batch_output",
  );
  const id = beginEnded(service, outputFileId);
  const whole = service.readFile.bind(service);
  let readCount = 0;
  service.readFile = (fileId) => {
    if (++readCount > 1) return whole(fileId);
    return new Blob(["{}\n".repeat(50)]).stream(); // less than was announced: the connection is cut
  };
  const { exitCode, stderr } = await cli.run("run", cli.path("a.jsonl"), "--resume", id);
  equal(exitCode, 0, stderr);
  match(stderr, /The gateway is asked again until it answers: /);
  deepEqual([(await cli.read("a.out.jsonl")).length, readCount, cli.names], [100, 2, ["a.out.jsonl"]]);
});

Deno.test("sollol batch run leaves nothing half written when the results break off, and says how to get them", async () => {
  const service = new FakeBatchService();
  await using cli = await CliBed.open(service);
  const { id: outputFileId } = service.keep("out", new Uint8Array(100), "batch_output");
  const id = beginEnded(service, outputFileId);
  service.files.delete(outputFileId);
  const { exitCode, stderr } = await cli.run("run", cli.path("a.jsonl"), "--resume", id);
  equal(exitCode, 1);
  match(
    stderr,
    /Batch batch_3 has ended: "sollol batch run .*a\.jsonl --resume batch_3" fetches its results\n/,
  );
  match(stderr, /Cannot find file "file-1"/);
  deepEqual(cli.names, []);
});

Deno.test("sollol batch list, show and cancel tell of the batches that are there", async () => {
  const service = new FakeBatchService();
  await using cli = await CliBed.open(service);
  equal((await cli.run("list")).stdout, 'There are no batches yet; begin one with "sollol batch run FILE"\n');
  const { id: inputFileId } = service.keep("in", new Uint8Array(1));
  const { id } = service.createBatch({
    inputFileId,
    endpoint: "/v1/completions",
    completionWindow: "1d",
    metadata: {},
  });
  match(
    (await cli.run("list")).stdout,
    /\nbatch_2 +validating +\/v1\/completions +0 +0 +0 +2026-01-02 00:00:00Z\n$/,
  );
  match((await cli.run("show", id)).stdout, /^batch +batch_2\nstatus +validating\n/);
  const cancelled = await cli.run("cancel", id, "--json");
  deepEqual([cancelled.exitCode, (cancelled.host.json() as { status: string }).status], [0, "cancelling"]);
  service.change(id, { status: "cancelled", endedAtMs: 1 });
  match((await cli.run("cancel", id)).stderr, /Cannot cancel batch "batch_2": it is cancelled already/);
  match((await cli.run("show", "../x\x1b[2J")).stderr, /Cannot find batch "\.\.\/x/);
  for (const limit of ["0", "101", "x"]) equal((await cli.run("list", "--limit", limit)).exitCode, 2);
  equal((await cli.run("show", "")).exitCode, 2);
});

Deno.test("sollol batch list reads what the real service tells", async () => {
  await using cli = await CliBed.open();
  const file = await cli.write("a.jsonl", inputLines(2));
  await cli.run("run", file);
  const [batch] = (await cli.run("list", "--limit", "1", "--json")).host.json() as [
    { status: string; counts: unknown },
  ];
  deepEqual([batch.status, batch.counts], ["completed", { total: 2, completed: 2, failed: 0 }]);
});
