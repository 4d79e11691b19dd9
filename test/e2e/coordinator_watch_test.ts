import { deepEqual, equal, match, ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { Journals } from "../../lib/coordinator/journal.ts";
import { buildTinyModel } from "../../lib/gguf/tiny_model.ts";
import type { HttpBody } from "../../lib/http/client.ts";
import type { Coordinator } from "../../lib/coordinator/coordinator.ts";
import { weighModel } from "../../lib/planner/model_need.ts";
import { planPlacement } from "../../lib/planner/placement.ts";
import type { LoadProgress } from "../../lib/pool/pooled.ts";
import { parseEndpoint } from "../../lib/rpc/endpoint.ts";
import { openGguf } from "../../lib/store/gguf_file.ts";
import { MIB } from "../../lib/units.ts";
import { CoordinatorBed, planBackend } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { deathOf, startWatched } from "./leased_bed.ts";
import { SlowRoad } from "./slow_road.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const llamaTest = await withLlamaCpp();

/** A test over real backends on 127.0.0.2, .3, …, after which no process is left. */
function testBed(name: string, backendCount: number, test: (bed: CoordinatorBed) => Promise<void>): void {
  llamaTest(name, async (programs) => {
    await using bed = await CoordinatorBed.create(programs, backendCount);
    await test(bed);
    deepEqual(bed.pids(), [], "processes are left");
  });
}

/** A long answer of which the first event has come. */
async function stream(bed: CoordinatorBed, coordinator: Coordinator): Promise<HttpBody> {
  const messages = [{ role: "user", content: "Hello there" }];
  const { body } = await bed.chat(coordinator, { messages, max_tokens: 3_900, stream: true });
  await body.read();
  return body;
}

testBed(
  "a backend that is killed while its coordinator is idle is found within 5 s, by name",
  3,
  async (bed) => {
    const { coordinator, lease } = await startWatched(bed, bed.plan([3, 3, 3]));
    await using _ = coordinator;
    await delay(500);
    bed.backends[1]!.process.signal("SIGKILL");
    const killedMs = performance.now();
    const death = await deathOf(coordinator);
    const tookMs = performance.now() - killedMs;
    ok(tookMs < 5_000, `it took ${tookMs} ms`);
    match(
      death.message,
      new RegExp(
        `^The coordinator of "tiny" was ended because the rpc backend ${bed.endpoints[1]} has closed`,
      ),
    );
    equal(death.suspectEndpoint, bed.endpoints[1]);
    await eventually("the lease ends", () => lease.isReleased);
    deepEqual(lease.failures, [bed.endpoints[1]]);
  },
);

testBed("a backend that its worker says is lost ends an idle coordinator at once", 2, async (bed) => {
  const { coordinator, lease } = await startWatched(bed, bed.plan([4, 5]));
  await using _ = coordinator;
  lease.lose(bed.endpoints[0]!, "its worker fell silent");
  const death = await deathOf(coordinator);
  match(death.message, /was ended because its worker fell silent$/);
  equal(death.suspectEndpoint, bed.endpoints[0]);
});

testBed("a backend that is frozen while it computes is found by the standstill, by name", 2, async (bed) => {
  const { coordinator, lease } = await startWatched(bed, bed.plan([4, 5]), { stallMs: 2_000 });
  await using _ = coordinator;
  const body = await stream(bed, coordinator);
  bed.backends[1]!.process.signal("SIGSTOP");
  const frozenMs = performance.now();
  await body.bytes(100 * MIB).catch(() => {}); // it breaks off
  const death = await deathOf(coordinator);
  ok(performance.now() - frozenMs >= 1_500, "it was not given its time");
  match(death.message, /was ended because its answer made no progress for .*, so an rpc backend hangs: /);
  equal(death.suspectEndpoint, bed.endpoints[1]);
  await eventually("the lease ends", () => lease.isReleased);
  deepEqual(lease.failures, [bed.endpoints[1]]);
});

for (const when of ["idle", "computing"]) {
  testBed(`a coordinator that is frozen while ${when} is found, and no backend is blamed`, 2, async (bed) => {
    const { coordinator, lease } = await startWatched(bed, bed.plan([4, 5]), { stallMs: 2_000 });
    await using _ = coordinator;
    const body = when === "idle" ? undefined : await stream(bed, coordinator);
    Deno.kill(coordinator.pid, "SIGSTOP");
    await body?.bytes(100 * MIB).catch(() => {}); // it breaks off
    const death = await deathOf(coordinator);
    match(death.message, /was ended because its process has answered nothing for [\d.]+ s$/);
    equal(death.suspectEndpoint, undefined);
    await eventually("the lease ends", () => lease.isReleased);
    deepEqual(lease.failures, []);
  });
}

testBed("a coordinator that computes is left alone, and its speed is told", 2, async (bed) => {
  const { coordinator } = await startWatched(bed, bed.plan([4, 5]), { stallMs: 2_000 });
  await using _ = coordinator;
  equal(coordinator.tokensPerSecond, 0);
  const body = await stream(bed, coordinator);
  await eventually("a speed is told", () => coordinator.tokensPerSecond > 1);
  await delay(2_500); // longer than an answer may stand still
  await body.cancel();
  await eventually("it is idle again", () => coordinator.tokensPerSecond === 0);
  ok(coordinator.isAlive);
  await coordinator.stop();
});

testBed("a coordinator that lets go of its backends while it is idle has lost none", 2, async (bed) => {
  const extraArgs = ["--sleep-idle-seconds", "1"];
  const { coordinator } = await startWatched(bed, bed.plan([4, 5]), { extraArgs });
  await using _ = coordinator;
  const sleeps = () => coordinator.logTail.some((line) => line.includes("entering sleeping state"));
  await eventually("it sleeps", sleeps);
  await delay(2_000); // so that its connections were looked at meanwhile
  const messages = [{ role: "user", content: "Hello there" }];
  const { status, body } = await bed.chat(coordinator, { messages, max_tokens: 4 });
  await body.text(MIB);
  equal(status, 200);
  ok(coordinator.isAlive);
  await coordinator.stop();
});

testBed(
  "the journal and the log file keep two lives of a coordinator, and how each ended",
  2,
  async (bed) => {
    const journals = new Journals();
    const pids: number[] = [];
    const followed = journals.of("tiny").follow(new AbortController().signal);
    for (const end of ["stop", "kill"]) {
      const { coordinator } = await startWatched(bed, bed.plan([4, 5]), { journals });
      await using _ = coordinator;
      pids.push(coordinator.pid);
      const messages = [{ role: "user", content: "XYZZY42" }];
      await (await bed.chat(coordinator, { messages, max_tokens: 4 })).body.text(MIB);
      if (end === "stop") await coordinator.stop();
      else Deno.kill(coordinator.pid, "SIGKILL");
      await deathOf(coordinator);
    }
    const journal = journals.of("tiny").tail();
    match((await followed.next()).value ?? "", new RegExp(`of "tiny" started, pid ${pids[0]}$`));
    await followed.return();
    const [file] = await Array.fromAsync(Deno.readDir(`${bed.directory}/log`));
    const kept = (await Deno.readTextFile(`${bed.directory}/log/${file!.name}`)).trimEnd().split("\n");
    for (const lines of [journal, kept]) {
      deepEqual(
        lines.filter((line) => line.startsWith("---")).map((line) => line.replace(/^--- \d{4}-\S+Z /, "")),
        [
          `llama-server of "tiny" started, pid ${pids[0]}`,
          `llama-server, pid ${pids[0]}, exited normally (code 0)`,
          `llama-server of "tiny" started, pid ${pids[1]}`,
          `llama-server, pid ${
            pids[1]
          }, was killed (SIGKILL, code 137): by hand, or by the kernel because memory ran out`,
          'The coordinator of "tiny" died: llama-server was killed (SIGKILL, code 137): by hand, or by the kernel because memory ran out',
        ],
      );
      ok(lines.some((line) => line.includes("print_timing")), "the request was not logged at all");
      ok(!lines.some((line) => line.includes("XYZZY42")), "what a user wrote was kept");
    }
  },
);

testBed("a load over a slow network tells its stages, and how many bytes have arrived", 1, async (bed) => {
  const modelPath = `${bed.directory}/larger.gguf`;
  const shape = { embeddingLength: 384, feedForwardLength: 1_024, f32: true };
  const bytes = buildTinyModel(shape);
  await Deno.writeFile(modelPath, bytes);
  const { model } = await openGguf(modelPath);
  ok(model.kind === "model");
  const weighed = weighModel("larger", model, { contextSize: 4096, slotCount: 2, kvType: "f16" });
  await using road = new SlowRoad("127.0.0.9", parseEndpoint(bed.endpoints[0]!), 12 * MIB);
  const placement = planPlacement(weighed, [planBackend(road.endpoint)]);
  const told: LoadProgress[] = [];
  const launch = bed.launch(placement, { modelPath, modelBytes: bytes.length });
  await using coordinator = await bed.start(launch, { onProgress: (progress) => told.push(progress) });
  const stages = told.map(({ stage }) => stage).filter((stage, at, all) => stage !== all[at - 1]);
  deepEqual(stages, ["connecting", "loading", "warming up"]);
  const sent = told.flatMap(({ sentBytes }) => sentBytes ?? []);
  deepEqual(sent, sent.toSorted((one, other) => one - other));
  const totalBytes = placement.devices[0]!.weightBytes;
  ok(told.every((progress) => progress.sentBytes === undefined || progress.totalBytes === totalBytes));
  if (await hasSs()) {
    ok(sent.length >= 2, `told ${sent.length} times`);
    ok(sent[0]! > 0 && sent[0]! < totalBytes && sent.at(-1)! <= totalBytes, `${sent} of ${totalBytes}`);
  }
  await coordinator.stop();
});

async function hasSs(): Promise<boolean> {
  return await new Deno.Command("ss", { args: ["-V"], stdout: "null" }).output().then(
    () => true,
    () => false,
  );
}
