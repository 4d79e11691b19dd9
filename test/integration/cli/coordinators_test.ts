import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import type { ExternalView } from "../../../lib/coordinator/external.ts";
import type { GatewayEvent } from "../../../lib/coordinator_admin.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { MIB } from "../../../lib/units.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { coordinatorReport } from "../../fixtures/coordinator_reports.ts";
import { until } from "../../fixtures/until.ts";
import { CoordinatorBed } from "../gateway/coordinator_bed.ts";

function sollol(args: string[], { bed, signal }: { bed?: CoordinatorBed; signal?: AbortSignal } = {}) {
  const host = new FakeCliHost(signal ? { signal } : {});
  const gateway = bed ? ["--gateway", bed.url] : [];
  return { host, exitCode: runCli(createRoot(), [...args, ...gateway], host) };
}

async function run(args: string[], bed?: CoordinatorBed) {
  const { host, exitCode } = sollol(args, bed ? { bed } : {});
  return { host, exitCode: await exitCode };
}

const withNulls = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (_key, inner) => inner === undefined ? null : inner));

const at = "2026-01-01T00:00:00.000Z";
const HOSTILE = "a/b%2F\u001b[2J\u202eü:x";

Deno.test("sollol ps shows the coordinators, and why those are not ready that are not", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(
    coordinatorReport("tiny:latest", { inFlightCount: 1, tokensPerSecond: 41.2, expiresInMs: undefined }),
  );
  bed.admin.add(
    coordinatorReport("big", {
      id: "c2",
      state: "failed",
      because: "gpu1 is gone",
      placement: undefined,
      endpoints: [],
      slotCount: undefined,
      upMs: undefined,
      expiresInMs: undefined,
      tokensPerSecond: undefined,
    }),
  );
  const { exitCode, host } = await run(["ps"], bed);
  equal(exitCode, 0, host.stderr.text);
  deepEqual(host.stdout.text.split("\n").map((line) => line.split(/ {2,}/)), [
    ["MODEL", "ID", "STATE", "PLACEMENT", "SLOTS", "WAITING", "TOKENS/S", "UP", "EXPIRES IN", "RESTARTS"],
    ["tiny:latest", "c1", "ready", "32 layers on 2 backends", "1/4", "0", "41.2", "1 min 0 s", "-", "0"],
    ["big", "c2", "failed", "-", "-", "0", "-", "-", "-", "0"],
    [""],
    ["big is failed: gpu1 is gone"],
    [""],
  ]);
});

Deno.test("sollol ps --json prints all that the gateway tells, with every key", async () => {
  await using bed = new CoordinatorBed();
  const reports = [
    bed.admin.add(coordinatorReport("tiny", { expiresInMs: null })),
    bed.admin.add(
      coordinatorReport("big", {
        id: "c2",
        state: "starting",
        phase: "loading",
        progress: { stage: "connecting" },
        placement: undefined,
      }),
    ),
  ];
  const { host } = await run(["ps", "--json"], bed);
  const [tiny, big] = host.json() as Record<string, unknown>[];
  deepEqual(tiny, withNulls(reports[0]));
  deepEqual(big, withNulls(reports[1]));
});

Deno.test("sollol ps of none says how to load one", async () => {
  await using bed = new CoordinatorBed();
  match((await run(["ps"], bed)).host.stdout.text, /or "sollol load MODEL"\n$/);
});

const others: ExternalView[] = [
  {
    url: "http://10.0.0.9:8080",
    health: "up",
    reason: "it serves m1",
    models: ["m1", "m2", "m3", "m4\u001b[2J"],
    inFlightCount: 1,
    slotCount: 4,
    ageMs: 5,
  },
  {
    url: "http://10.0.0.10:8080",
    health: "down",
    reason: "it did not answer; check it",
    models: [],
    inFlightCount: 2,
    slotCount: undefined,
    ageMs: undefined,
  },
];
const othersTable = [
  ["RUN BY OTHERS", "HEALTH", "MODELS", "IN FLIGHT"],
  ["http://10.0.0.9:8080", "up", "m1, m2, m3 and 1 more", "1/4"],
  ["http://10.0.0.10:8080", "down", "-", "2"],
  [""],
  ["http://10.0.0.10:8080 is down: it did not answer; check it"],
  [""],
];
const cells = (text: string) => text.split("\n").map((line) => line.split(/ {2,}/));

Deno.test("sollol ps shows the coordinators that others run, also where there is none of our own", async () => {
  await using bed = new CoordinatorBed();
  bed.externals.push(...others);
  const alone = await run(["ps"], bed);
  equal(alone.exitCode, 0, alone.host.stderr.text);
  deepEqual(cells(alone.host.stdout.text), othersTable);
  bed.admin.add(coordinatorReport("tiny"));
  const both = cells((await run(["ps"], bed)).host.stdout.text);
  deepEqual([both[1]![0], both.slice(2)], ["tiny", [[""], ...othersTable]]);
});

Deno.test("sollol ps --json prints our own coordinators only", async () => {
  await using bed = new CoordinatorBed();
  bed.externals.push(...others);
  deepEqual((await run(["ps", "--json"], bed)).host.json(), []);
});

for (
  const { args, end } of [
    { args: ["load", "M1:latest"], end: "there is nothing to load here" },
    { args: ["restart", "M1:latest"], end: "it can be restarted there only" },
    { args: ["logs", "M1:latest"], end: "its log is there" },
    { args: ["logs", "M1:latest", "-f"], end: "its log is there" },
  ]
) {
  Deno.test(`sollol ${args.join(" ")} of a model that others serve says who, and ends with 1`, async () => {
    await using bed = new CoordinatorBed();
    bed.externals.push(...others);
    bed.admin.onStart = (name) =>
      Promise.reject(new GatewayError("model_not_found", `Cannot find model "${name}"`));
    const { exitCode, host } = await run(args, bed);
    equal(exitCode, 1);
    const want = `sollol: "M1:latest" is served by http://10.0.0.9:8080, which others run: ${end}\n`;
    equal(host.stderr.text.split("\n").slice(-2).join("\n"), want);
  });
}

Deno.test("sollol unload of a model that others serve says who, of another one what the gateway said", async () => {
  await using bed = new CoordinatorBed();
  bed.externals.push(others[0]!, { ...others[1]!, models: ["m1"] });
  bed.models.push("m9");
  bed.admin.unloaded = { outcome: "not loaded", because: "It is not loaded" };
  const { exitCode, host } = await run(["unload", "m1", "m9", "--json"], bed);
  equal(exitCode, 0);
  const urls = "http://10.0.0.9:8080 and http://10.0.0.10:8080";
  deepEqual((host.json() as { because: string }[]).map(({ because }) => because), [
    `"m1" is served by ${urls}, which others run: there is nothing to unload here`,
    "It is not loaded",
  ]);
});

Deno.test("sollol unload of a name that means no model ends with 1 and the near names", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.unloaded = { outcome: "not loaded", because: "It is not loaded" };
  const { exitCode, host } = await run(["unload", "tyni"], bed);
  deepEqual([exitCode, host.stdout.text], [1, ""]);
  match(host.stderr.text, /^sollol: Cannot find model "tyni"; did you mean "tiny"\?$/m);
  bed.admin.add(coordinatorReport("gone"));
  deepEqual((await run(["unload", "gone"], bed)).exitCode, 0, "one that was loaded once");
});

Deno.test("A refusal that has another cause is told as it is, also of a model that others serve", async () => {
  await using bed = new CoordinatorBed();
  bed.externals.push(...others);
  bed.admin.onStart = () => Promise.reject(new GatewayError("insufficient_memory", "2 GiB are missing"));
  match((await run(["load", "m1"], bed)).host.stderr.text, /^sollol: 2 GiB are missing$/m);
  match((await run(["logs", "m9"], bed)).host.stderr.text, /^sollol: No coordinator "m9" is known$/m);
});

Deno.test("sollol load tells how far it is, how long it took and where the layers are", async () => {
  await using bed = new CoordinatorBed();
  const loaded = Promise.withResolvers<void>();
  const key = { id: "c1", model: "tiny:latest" };
  const report = coordinatorReport("tiny:latest", { upMs: 0, loadMs: 2_400 });
  bed.admin.onStart = async () => (await loaded.promise, report);
  const { host, exitCode } = sollol(["load", "tiny", "--keep-alive", "1h"], { bed });
  await until(() => bed.admin.listenerCount === 1 && bed.admin.calls.length === 1, "the load is asked for");
  const known = bed.admin.getCoordinator.bind(bed.admin);
  bed.admin.getCoordinator = (name) => name === "tiny" ? report : known(name);
  const publish = (event: Record<string, unknown>) =>
    bed.admin.bus.publish({ at, ...key, ...event } as GatewayEvent);
  publish({ type: "phase", phase: "preparing", because: "" });
  publish({ type: "evicted", forModel: "x", because: "" });
  publish({ type: "loading", stage: "connecting" });
  publish({ type: "loading", stage: "loading", sentBytes: MIB, totalBytes: 2 * MIB });
  publish({ type: "loading", stage: "warming up", sentBytes: 2 * MIB, totalBytes: 2 * MIB });
  await until(() => host.stderr.text.includes("Warming"), "all was told");
  loaded.resolve();
  equal(await exitCode, 0, host.stderr.text);
  deepEqual(host.stderr.text.split("\n"), [
    "Loading tiny",
    "Reading the file of tiny:latest",
    "Connecting tiny:latest to its rpc backends",
    "Warming tiny:latest up",
    "",
  ]);
  deepEqual(host.stdout.text.split("\n").map((line) => line.split(/ {2,}/)), [
    ["tiny:latest is loaded, in 2.4 s"],
    [""],
    ["RPC BACKEND", "DEVICE", "LAYERS", "COUNT", "WEIGHTS", "KV CACHE", "COMPUTE"],
    ["10.0.0.1:50052", "gpu 0", "0-19", "20", "100.0 MiB", "10.0 MiB", "20.0 MiB"],
    ["10.0.0.2:50052", "gpu 0", "20-31 and output", "12", "100.0 MiB", "10.0 MiB", "20.0 MiB"],
    [""],
  ]);
  deepEqual(bed.admin.calls, ["load tiny 3600000"]);
  await until(() => bed.admin.listenerCount === 0, "nobody listens any more");
});

Deno.test("sollol load of a model that is ready says since when, also on the gateway's own host", async () => {
  await using bed = new CoordinatorBed();
  const placement = { devices: [], hostModelBytes: 1, because: "" };
  bed.admin.onStart = () => Promise.resolve(coordinatorReport("tiny", { upMs: 3_600_000, placement }));
  const { host } = await run(["load", "tiny"], bed);
  equal(
    host.stdout.text,
    "tiny was loaded already, 1 h 0 min ago\nAll its layers are on the gateway's host\n",
  );
});

Deno.test("sollol load --json prints the report, and progress on stderr only", async () => {
  await using bed = new CoordinatorBed();
  const { exitCode, host } = await run(["load", "tiny", "--json"], bed);
  equal(exitCode, 0);
  deepEqual(host.json(), withNulls(coordinatorReport("tiny")));
});

for (
  const { text, want } of [
    { text: "-1", want: Infinity },
    { text: "0", want: 0 },
    { text: "1h30m", want: 5_400_000 },
  ]
) {
  Deno.test(`sollol load takes --keep-alive ${text}`, async () => {
    await using bed = new CoordinatorBed();
    equal((await run(["load", "m", `--keep-alive=${text}`], bed)).exitCode, 0);
    deepEqual(bed.admin.calls, [`load m ${want}`]);
  });
}

Deno.test("sollol load repeats the gateway's refusal, and ends with 1", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.onStart = () =>
    Promise.reject(new GatewayError("insufficient_memory", "2 GiB are\u001b[2J missing"));
  const { exitCode, host } = await run(["load", "tiny", "--json"], bed);
  equal(exitCode, 1);
  deepEqual(host.json(), { error: { code: "insufficient_memory", message: "2 GiB are\u001b[2J missing" } });
  match(host.stderr.text, /sollol: 2 GiB are\u{fffd}\[2J missing/u);
});

for (const command of [["load", "tiny"], ["restart", "tiny"]]) {
  Deno.test(`sollol ${command[0]} that is interrupted leaves it going on, and says so`, async () => {
    await using bed = new CoordinatorBed();
    bed.admin.add(coordinatorReport("tiny", { state: "starting", phase: "loading" }));
    bed.admin.onStart = () => new Promise(() => {});
    const stop = new AbortController();
    const { host, exitCode } = sollol(command, { bed, signal: stop.signal });
    await until(
      () =>
        host.stderr.text.includes("Loading tiny") && bed.admin.calls.length === 1 &&
        bed.admin.listenerCount === 1,
      "it loads",
    );
    bed.admin.bus.publish({
      at,
      type: "phase",
      id: "c1",
      model: "tiny",
      phase: "backing off",
      because: "it died",
    });
    await until(() => host.stderr.text.includes("it died"), "it is told of");
    stop.abort(new DOMException("Stopped by SIGINT", "AbortError"));
    equal(await exitCode, 130);
    match(
      host.stderr.text,
      /\ntiny goes on loading: "sollol ps" shows it, "sollol unload" stops it\n.*Interrupted\n$/,
    );
    await until(() => bed.admin.listenerCount === 0, "nobody listens any more");
  });
}

Deno.test("sollol load says so when the gateway shuts down meanwhile", async () => {
  const bed = new CoordinatorBed();
  bed.admin.onStart = () => new Promise(() => {});
  const { host, exitCode } = sollol(["load", "tiny"], { bed });
  await until(() => bed.admin.calls.length === 1 && bed.admin.listenerCount === 1, "it loads");
  await bed[Symbol.asyncDispose]();
  equal(await exitCode, 1);
  match(host.stderr.text, /The gateway is shutting down, so "tiny" is not loaded; ask again in a moment\n$/);
});

/** A gateway that answers events with one text and then breaks the connection, and that never answers anything else. */
function breakingGateway(events: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
  const chunk = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    return new TextEncoder().encode(`${bytes.length.toString(16)}\r\n${text}\r\n`);
  };
  const serve = async (connection: Deno.Conn) => {
    const bytes = new Uint8Array(4096);
    const length = await connection.read(bytes) ?? 0;
    if (!/^GET .*(events|log)/.test(new TextDecoder().decode(bytes.subarray(0, length)))) return;
    const answer = connection.writable.getWriter();
    await answer.write(new TextEncoder().encode(head));
    await answer.write(chunk(events)).catch(() => {}); // who asked has had enough
    open.splice(open.indexOf(connection), 1);
    await answer.close().catch(() => {});
  };
  void (async () => {
    for await (const connection of listener) {
      open.push(connection);
      void serve(connection);
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    [Symbol.dispose]: () => {
      for (const connection of open) connection.close();
      listener.close();
    },
  };
}

const SNAPSHOT = 'event: snapshot\ndata: {"coordinators":[]}\n\n';
for (
  const { name, args, events, want } of [
    {
      name: "a load",
      args: ["load", "tiny"],
      events: SNAPSHOT,
      want: /has the gateway ended\? See its log\n$/,
    },
    {
      name: "a followed log",
      args: ["logs", "tiny", "-f"],
      events: "data: a line\n\n",
      want: /has the gateway ended\? See its log\n$/,
    },
    {
      name: "half an event",
      args: ["load", "tiny"],
      events: SNAPSHOT.slice(0, -9),
      want: /has the gateway ended\? See its log\n$/,
    },
    {
      name: "events of another program",
      args: ["load", "tiny"],
      events: "event: snapshot\ndata: hello\n\n",
      want: /to GET \/api\/admin\/events as no sollol gateway of this version does/,
    },
    {
      name: "an event without end",
      args: ["load", "tiny"],
      events: `data: ${"x".repeat(5e6)}`,
      want: /to GET \/api\/admin\/events as no sollol gateway of this version does/,
    },
    {
      name: "an error amid events",
      args: ["logs", "tiny", "-f"],
      events: 'event: error\ndata: {"error":{"code":"upstream_failed","message":"The log is gone"}}\n\n',
      want: /^sollol: The log is gone\n$/,
    },
  ]
) {
  Deno.test(`A gateway that goes away amid ${name} is told of, and the program ends with 1`, async () => {
    using gateway = breakingGateway(events);
    const { exitCode, host } = await run([...args, "--gateway", gateway.url]);
    equal(exitCode, 1, host.stderr.text);
    match(host.stderr.text, want);
  });
}

Deno.test("sollol unload says what became of each, and --json prints one array", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.unloaded = { outcome: "after use", because: "It is unloaded when 2 requests have ended" };
  const { exitCode, host } = await run(["unload", "a", "hf.co/x/y:z", "a"], bed);
  deepEqual([exitCode, host.stdout.text], [0, "It is unloaded when 2 requests have ended\n".repeat(2)]);
  deepEqual(bed.admin.calls, ["unload a", "unload hf.co/x/y:z"]);
  const because = bed.admin.unloaded.because;
  deepEqual((await run(["unload", "a", "--json"], bed)).host.json(), [{
    model: "a",
    outcome: "after use",
    because,
  }]);
});

Deno.test("sollol restart restarts by id, and refuses what is not there", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("tiny"));
  bed.admin.onStart = (name) => Promise.resolve(coordinatorReport(name, { upMs: 0 }));
  const { exitCode, host } = await run(["restart", "c1"], bed);
  equal(exitCode, 0, host.stderr.text);
  match(host.stdout.text, /^tiny is loaded, in 2\.4 s\n/);
  const missing = await run(["restart", "c9"], bed);
  deepEqual([missing.exitCode, missing.host.stderr.text], [
    1,
    'Loading c9\nsollol: No coordinator "c9" is known\n',
  ]);
});

Deno.test("sollol logs prints the last lines, without what could steer a terminal", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("tiny"));
  bed.admin.logLines.push("old", "a\tb", "\u001b[31mred", "");
  const { exitCode, host } = await run(["logs", "tiny", "--tail", "3"], bed);
  deepEqual([exitCode, host.stdout.text], [0, "a    b\n\u{fffd}[31mred\n\n"]);
});

Deno.test("sollol logs -f prints lines as they come, and Ctrl-C ends it with 0", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("tiny"));
  bed.admin.logLines.push("one", "two");
  const stop = new AbortController();
  const { host, exitCode } = sollol(["logs", "c1", "-f", "--tail", "1"], { bed, signal: stop.signal });
  await until(() => host.stdout.text === "two\n" && bed.admin.listenerCount === 1, "it follows");
  bed.admin.logLines.push("three\u001b");
  bed.admin.bus.publish({ at, type: "config", applied: [], needRestart: [] });
  await until(() => host.stdout.text === "two\nthree\u{fffd}\n", "a new line");
  stop.abort(new DOMException("Stopped by SIGINT", "AbortError"));
  equal(await exitCode, 0);
  equal(host.stderr.text, "");
  await until(() => bed.admin.listenerCount === 0, "nobody follows any more");
});

Deno.test("sollol logs -f ends with 0 when the gateway ends in order", async () => {
  const bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("tiny"));
  const { exitCode } = sollol(["logs", "c1", "-f"], { bed });
  await until(() => bed.admin.listenerCount === 1, "it follows");
  await bed[Symbol.asyncDispose]();
  equal(await exitCode, 0);
});

Deno.test("The coordinators' commands take names of every kind, and show them so that they steer nothing", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport(HOSTILE));
  bed.admin.logLines.push("a line");
  const outputs = [];
  for (
    const args of [["ps"], ["load", HOSTILE], ["restart", HOSTILE], ["unload", HOSTILE], ["logs", HOSTILE]]
  ) {
    const { exitCode, host } = await run(args, bed);
    equal(exitCode, 0, host.stderr.text);
    outputs.push(host.stdout.text + host.stderr.text);
  }
  deepEqual(bed.admin.calls, [`load ${HOSTILE} undefined`, `restart ${HOSTILE}`, `unload ${HOSTILE}`]);
  for (const letter of ["\u001b", "\u202e"]) ok(outputs.every((text) => !text.includes(letter)));
});

for (
  const { args, want } of [
    { args: ["load"], want: /MODEL/ },
    { args: ["load", ""], want: /MODEL is empty/ },
    { args: ["load", "a", "b"], want: /"b"/ },
    { args: ["load", "a", "--keep-alive", "soon"], want: /--keep-alive: "soon" is no keep_alive/ },
    { args: ["unload"], want: /MODEL/ },
    { args: ["unload", "a", ""], want: /MODEL is empty/ },
    { args: ["restart", ""], want: /MODEL\|ID is empty/ },
    { args: ["logs"], want: /MODEL\|ID/ },
    { args: ["logs", ""], want: /MODEL\|ID is empty/ },
    { args: ["logs", "a", "--tail", "all"], want: /--tail needs a whole number from 0 to 10000, got "all"/ },
    { args: ["logs", "a", "--tail", "10001"], want: /--tail needs/ },
    { args: ["ps", "a"], want: /"a"/ },
  ]
) {
  Deno.test(`sollol ${args.join(" ")} is wrong usage`, async () => {
    const { exitCode, host } = await run([...args]);
    equal(exitCode, 2, host.stderr.text);
    match(host.stderr.text, want);
  });
}

for (
  const args of [["ps"], ["load", "a"], ["unload", "a"], ["restart", "a"], ["logs", "a"], ["logs", "a", "-f"]]
) {
  Deno.test(`sollol ${args.join(" ")} without a gateway says how to start one`, async () => {
    const { exitCode, host } = await run([...args, "--gateway", "http://127.0.0.1:1"]);
    equal(exitCode, 1);
    match(host.stderr.text, /No gateway runs at http:\/\/127\.0\.0\.1:1; start it with "sollol serve"/);
  });
}
