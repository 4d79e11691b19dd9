import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { once } from "node:events";
import type { Coordinator } from "../../lib/coordinator/coordinator.ts";
import { CoordinatorDeath } from "../../lib/coordinator/coordinator_failure.ts";
import { type ErrorCode, GatewayError, messageOf } from "../../lib/errors.ts";
import { requireProgram } from "../../lib/llama_cpp/find.ts";
import { planPlacement } from "../../lib/planner/placement.ts";
import { MIB } from "../../lib/units.ts";
import { FakeRpcBackend } from "../fakes/fake_rpc_backend.ts";
import { CoordinatorBed, freePort, planBackend, type RealPrograms, startBackend } from "./coordinator_bed.ts";
import { ensureLlamaCpp } from "./llama_cpp.ts";

async function findPrograms(): Promise<RealPrograms | string> {
  try {
    const { llamaServer, rpcServer } = await ensureLlamaCpp();
    return { llamaServer: requireProgram(llamaServer), rpcServer: requireProgram(rpcServer) };
  } catch (error) {
    return messageOf(error);
  }
}

const programs = await findPrograms();
const reasonToSkip = typeof programs === "string" ? ` (no llama.cpp: ${programs})` : "";

/** A test over real backends on 127.0.0.2, .3, …, after which no process and no file may be left. */
function testBed(name: string, backendCount: number, test: (bed: CoordinatorBed) => Promise<void>): void {
  Deno.test({
    name: name + reasonToSkip,
    ignore: reasonToSkip !== "",
    fn: async () => {
      await using bed = await CoordinatorBed.create(programs as RealPrograms, backendCount);
      await test(bed);
      deepEqual(bed.pids(), [], "processes are left");
      deepEqual(bed.leftovers(), [], "files are left");
    },
  });
}

async function rejectsWith(start: Promise<Coordinator>, code: ErrorCode, ...says: RegExp[]): Promise<void> {
  await rejects(start, (error) => {
    ok(error instanceof GatewayError, String(error));
    equal(error.code, code, error.message);
    for (const pattern of says) match(error.message, pattern);
    return true;
  });
}

async function deathOf(coordinator: Coordinator): Promise<CoordinatorDeath> {
  if (!coordinator.gone.aborted) await once(coordinator.gone, "abort");
  ok(coordinator.gone.reason instanceof CoordinatorDeath);
  return coordinator.gone.reason;
}

for (const split of [[3, 3, 3], [5, 3, 1], [1, 2, 6], [1, 1, 7]]) {
  testBed(
    `a split of ${split} puts exactly the planned layers on each backend, and chat works`,
    3,
    async (bed) => {
      const placement = bed.plan(split);
      deepEqual(placement.tensorSplit, split);
      await using coordinator = await bed.start(bed.launch(placement));
      for (const device of coordinator.placement.devices) {
        const differenceBytes = Math.abs(device.actual.weightBytes - device.weightBytes);
        ok(
          differenceBytes <= 0.01 * MIB,
          `${device.endpoint}: ${device.actual.weightBytes} for ${device.weightBytes}`,
        );
        equal(device.actual.kvBytes, device.layerCount * 2 * MIB);
      }
      equal(coordinator.placement.devices.length, 3);
      const response = await bed.chat(coordinator, {
        messages: [{ role: "user", content: "Hello there" }],
        max_tokens: 4,
      });
      const answer = JSON.parse(await response.body.text(MIB));
      equal(answer.usage.completion_tokens, 4);
      equal(answer.model, "tiny");
      deepEqual([coordinator.slotCount, coordinator.contextSize], [2, 4096]);
      await coordinator.stop();
    },
  );
}

testBed("backends that get no layer are not contacted, and may be down", 1, async (bed) => {
  const down = planBackend(`127.0.0.9:${freePort("127.0.0.9")}`, 10);
  const placement = planPlacement(bed.model, [down, planBackend(bed.endpoints[0]!)]);
  await using coordinator = await bed.start(bed.launch(placement));
  deepEqual(coordinator.placement.devices.map(({ endpoint }) => endpoint), bed.endpoints);
  await coordinator.stop();
});

testBed("a model without a placement is served from this host", 0, async (bed) => {
  await using coordinator = await bed.start(bed.launch(undefined));
  deepEqual(coordinator.placement.devices, []);
  ok(coordinator.placement.hostModelBytes > 2 * MIB);
  await coordinator.stop();
});

testBed("a coordinator serves on a loopback port that the kernel chose", 1, async (bed) => {
  await using coordinator = await bed.start(bed.launch(bed.plan([9]), { transport: "tcp" }));
  ok(coordinator.address.transport === "tcp" && coordinator.address.port > 0);
  const { status } = await bed.chat(coordinator, {
    messages: [{ role: "user", content: "a" }],
    max_tokens: 1,
  });
  equal(status, 200);
  await coordinator.stop();
});

testBed("a coordinator answers nobody who does not know its key", 1, async (bed) => {
  await using coordinator = await bed.start(bed.launch(bed.plan([9])));
  const { status, body } = await bed.http.send(coordinator.address, { method: "GET", target: "/props" });
  await body.cancel();
  equal(status, 401);
  await coordinator.stop();
});

testBed("the log tells nothing of what users write", 1, async (bed) => {
  await using coordinator = await bed.start(
    bed.launch(bed.plan([9]), { logFile: { path: `${bed.directory}/llama.log` } }),
  );
  const response = await bed.chat(coordinator, {
    messages: [{ role: "user", content: "xyzzy42" }],
    max_tokens: 8,
  });
  const { choices } = JSON.parse(await response.body.text(MIB));
  await coordinator.stop();
  const log = await Deno.readTextFile(`${bed.directory}/llama.log`);
  ok(log.includes("print_timing"), "the request was not logged at all");
  ok(!log.includes("xyzzy42") && !log.includes(choices[0].message.content));
  ok(coordinator.logTail.length > 10);
});

testBed("the log tells nothing of a request that is malformed, but still of an abort", 1, async (bed) => {
  const logPath = `${bed.directory}/llama.log`;
  await using coordinator = await bed.start(bed.launch(bed.plan([9]), { logFile: { path: logPath } }));
  const messages = [{ role: "user", content: "SECRETPROMPT" }];
  for (
    const broken of [
      { tools: [{ x: "SECRETPROMPT" }] },
      { grammar: 'root ::= SECRETPROMPT\nFailed to connect to SECRETPROMPT\n"' },
      { samplers: ["SECRETPROMPT"] },
      { response_format: { type: "json_schema", json_schema: { schema: { type: "SECRETPROMPT" } } } },
      {
        response_format: {
          type: "json_schema",
          json_schema: { schema: { type: "string", pattern: "(SECRETPROMPT" } },
        },
      },
    ]
  ) {
    const response = await bed.chat(coordinator, { messages, max_tokens: 2, ...broken });
    await response.body.text(MIB);
  }
  bed.backends[0]!.process.signal("SIGKILL");
  const last = bed.chat(coordinator, { messages, max_tokens: 2 });
  await last.then(({ body }) => body.text(MIB)).catch(() => {}); // it dies of it
  const death = await deathOf(coordinator);
  deepEqual([death.kind, death.suspectEndpoint], ["backend_lost", bed.endpoints[0]]);
  await coordinator.stop();
  for (const log of [await Deno.readTextFile(logPath), coordinator.logTail.join("\n")]) {
    match(log, /print_timing/, "no request was logged at all");
    match(log, /^\S+\.cpp:\d+: Remote RPC server crashed/m);
    ok(!/secretprompt/i.test(log), /^.*secretprompt.*$/im.exec(log)?.[0]);
  }
});

testBed("a wanted stop says so, and the backends are free at once", 2, async (bed) => {
  const launch = bed.launch(bed.plan([4, 5]));
  for (let round = 0; round < 3; round++) {
    await using coordinator = await bed.start(launch);
    await coordinator.stop();
    const death = await deathOf(coordinator);
    deepEqual([death.isWanted, death.suspectEndpoint], [true, undefined]);
    equal(coordinator.isAlive, false);
  }
});

testBed(
  "a backend that is killed while idle is named when the next request finds it gone",
  3,
  async (bed) => {
    await using coordinator = await bed.start(bed.launch(bed.plan([3, 3, 3])));
    bed.backends[1]!.process.signal("SIGKILL");
    await rejects(bed.chat(coordinator, { messages: [{ role: "user", content: "a" }], max_tokens: 4 }));
    const death = await deathOf(coordinator);
    deepEqual([death.kind, death.suspectEndpoint], ["backend_lost", bed.endpoints[1]]);
    match(death.message, /^The coordinator of "tiny" died: an rpc backend died/);
    equal(death.exit.signal, "SIGABRT");
  },
);

testBed("a backend that is killed amid a stream is named", 3, async (bed) => {
  await using coordinator = await bed.start(bed.launch(bed.plan([3, 3, 3])));
  const { body } = await bed.chat(coordinator, {
    messages: [{ role: "user", content: "a" }],
    max_tokens: 4_000,
    stream: true,
  });
  await body.read();
  bed.backends[2]!.process.signal("SIGKILL");
  await rejects(body.bytes(100 * MIB));
  const death = await deathOf(coordinator);
  deepEqual([death.kind, death.suspectEndpoint], ["backend_lost", bed.endpoints[2]]);
});

testBed("a backend that is down at the start is named", 1, async (bed) => {
  const down = `127.0.0.9:${freePort("127.0.0.9")}`;
  const placement = bed.plan([4, 5], [bed.endpoints[0]!, down]);
  await rejectsWith(
    bed.start(bed.launch(placement)),
    "backend_unreachable",
    new RegExp(`rpc backend ${down} cannot be reached`),
  );
});

testBed("a web server in place of a backend is named", 1, async (bed) => {
  await using server = Deno.serve(
    { hostname: "127.0.0.9", port: 0, onListen: () => {} },
    () => new Response("hi"),
  );
  const endpoint = `127.0.0.9:${server.addr.port}`;
  const placement = bed.plan([4, 5], [bed.endpoints[0]!, endpoint]);
  await rejectsWith(bed.start(bed.launch(placement)), "backend_unreachable", new RegExp(endpoint));
});

testBed("a backend with another protocol is named with its version", 0, async (bed) => {
  await using fake = new FakeRpcBackend({ version: { major: 7, minor: 0, patch: 0 } });
  const endpoint = `${fake.endpoint.host}:${fake.endpoint.port}`;
  await rejectsWith(
    bed.start(bed.launch(bed.plan([9], [endpoint]))),
    "backend_unreachable",
    new RegExp(endpoint),
  );
});

testBed("a backend that another coordinator holds is noticed and named, and not harmed", 2, async (bed) => {
  await using first = await bed.start(bed.launch(bed.plan([9], [bed.endpoints[1]!])));
  const second = bed.start(bed.launch(bed.plan([4, 5]), { enumerateTimeoutMs: 400 }));
  await rejectsWith(second, "no_capacity", /did not answer it within 400 ms/, new RegExp(bed.endpoints[1]!));
  const { status } = await bed.chat(first, { messages: [{ role: "user", content: "a" }], max_tokens: 1 });
  equal(status, 200);
  await first.stop();
});

testBed("a backend that hangs is noticed and named", 1, async (bed) => {
  bed.backends[0]!.process.signal("SIGSTOP");
  const start = bed.start(bed.launch(bed.plan([9]), { enumerateTimeoutMs: 300 }));
  await rejectsWith(start, "no_capacity", new RegExp(bed.endpoints[0]!));
});

for (const afterMs of [0, 10, 30, 60, 90]) {
  testBed(
    `a start that is aborted after ${afterMs} ms rejects with the reason and leaves nothing`,
    2,
    async (bed) => {
      const abort = new AbortController();
      const reason = new Error("the client left");
      const start = bed.start(bed.launch(bed.plan([4, 5])), { signal: abort.signal });
      const timer = setTimeout(() => abort.abort(reason), afterMs);
      try {
        await (await start).stop(); // it was faster
      } catch (error) {
        equal(error, reason);
      }
      clearTimeout(timer);
      await using next = await bed.start(bed.launch(bed.plan([4, 5]))); // the backends were let go
      await next.stop();
    },
  );
}

testBed("a stop with a request in flight is done in time", 2, async (bed) => {
  await using coordinator = await bed.start(bed.launch(bed.plan([4, 5])));
  const { body } = await bed.chat(coordinator, {
    messages: [{ role: "user", content: "a" }],
    max_tokens: 4_000,
    stream: true,
  });
  await body.read();
  const startMs = performance.now();
  await coordinator.stop();
  ok(performance.now() - startMs < 6_000);
  await rejects(body.bytes(100 * MIB));
  equal((await deathOf(coordinator)).isWanted, true);
});

testBed("a stop of a coordinator whose backend hangs ends with SIGKILL", 2, async (bed) => {
  await using coordinator = await bed.start(bed.launch(bed.plan([4, 5])));
  const { body } = await bed.chat(coordinator, {
    messages: [{ role: "user", content: "a" }],
    max_tokens: 4_000,
    stream: true,
  });
  await body.read();
  bed.backends[0]!.process.signal("SIGSTOP");
  await coordinator.stop();
  await rejects(body.bytes(100 * MIB));
  equal(coordinator.isAlive, false);
});

testBed("a socket left behind by an earlier life does not hinder a start", 1, async (bed) => {
  const launch = bed.launch(bed.plan([9]));
  const stale = `${bed.directory}/run/llama-stale`;
  await Deno.mkdir(stale, { recursive: true });
  Deno.listen({ transport: "unix", path: `${stale}/http.sock` }).close();
  await using coordinator = await bed.start(launch);
  await coordinator.stop();
  await Deno.remove(stale, { recursive: true });
});

testBed("a runtime directory whose path is too long for a socket is replaced", 1, async (bed) => {
  const runtimeDirectory = `${bed.directory}/${"long-".repeat(20)}`;
  await using coordinator = await bed.start(bed.launch(bed.plan([9]), { runtimeDirectory }));
  ok(coordinator.address.transport === "unix" && coordinator.address.path.length <= 107);
  await coordinator.stop();
});

testBed("a file that is cut short is told as such", 1, async (bed) => {
  const placement = bed.plan([9]);
  await Deno.truncate(bed.modelPath, 1_500_000);
  await rejectsWith(
    bed.start(bed.launch(placement)),
    "model_unusable",
    /cut short or damaged; fetch the model again/,
  );
});

testBed("an option that llama-server does not know is told as such", 0, async (bed) => {
  const launch = bed.launch(undefined, { extraArgs: ["--nope"] });
  await rejectsWith(bed.start(launch), "upstream_failed", /invalid argument: --nope/);
});

testBed("a load that takes too long is ended", 1, async (bed) => {
  const launch = bed.launch(bed.plan([9]), { loadTimeoutMs: 30 });
  await rejectsWith(
    bed.start(launch),
    "load_timeout",
    /Loading "tiny" \(2.48 MiB\) was not done after 30 ms/,
  );
});

testBed("a backend that returns after its death serves the next coordinator", 1, async (bed) => {
  await using extra = await startBackend(bed.programs.rpcServer, "127.0.0.8");
  await using first = await bed.start(bed.launch(bed.plan([4, 5], [bed.endpoints[0]!, extra.endpoint])));
  await extra[Symbol.asyncDispose]();
  await rejects(bed.chat(first, { messages: [{ role: "user", content: "a" }], max_tokens: 4 }));
  await deathOf(first);
  await using second = await bed.start(bed.launch(bed.plan([9])));
  await second.stop();
});
