import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { once } from "node:events";
import { Coordinator } from "../../../lib/coordinator/coordinator.ts";
import { CoordinatorDeath } from "../../../lib/coordinator/coordinator_failure.ts";
import type { CoordinatorLaunch } from "../../../lib/coordinator/launch.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { HttpClient } from "../../../lib/http/client.ts";
import { createLogger, silentLogger } from "../../../lib/log.ts";
import { type Placement, planPlacement } from "../../../lib/planner/placement.ts";
import { backendOf, equalLayers, weighedModelOf } from "../../fixtures/weighed_model.ts";

const ENDPOINTS = ["10.0.0.2:50052", "10.0.0.3:50052"];

function placement(): Placement {
  const backends = ENDPOINTS.map((endpoint) => backendOf(0, [{ freeBytes: 10 }], { endpoint }));
  return planPlacement(weighedModelOf({ layers: equalLayers(4, 1), outputBytes: 1 }), backends, {
    strategy: "even",
  });
}

/** Runs a test with the fake program in a directory of its own, and checks that nothing is left in it. */
async function withProgram(mode: string, test: (launch: CoordinatorLaunch) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "fake-llama-" });
  try {
    const program = `${directory}/llama-server`;
    const fake = new URL("../../fakes/fake_llama_program.ts", import.meta.url).pathname;
    const run = `FAKE_LLAMA=${mode} exec '${Deno.execPath()}' run -A --no-lock '${fake}' "$@"`;
    await Deno.writeTextFile(program, `#!/bin/sh\n${run}\n`, { mode: 0o755 });
    const runtimeDirectory = `${directory}/run`;
    await test({
      program,
      model: "fake",
      modelPath: "/models/fake.gguf",
      modelBytes: 1,
      placement: placement(),
      slotContextSize: 256,
      slotCount: 2,
      runtimeDirectory,
      enumerateTimeoutMs: 30_000,
    });
    deepEqual([...Deno.readDirSync(runtimeDirectory)], [], "files are left");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function start(launch: CoordinatorLaunch, http: HttpClient): Promise<Coordinator> {
  return Coordinator.start(launch, { signal: new AbortController().signal, logger: silentLogger, http });
}

Deno.test("a backend that got no weights fails the start, by name", () =>
  withProgram("no-weights", async (launch) => {
    using http = new HttpClient();
    await rejects(start(launch, http), (error) => {
      ok(error instanceof GatewayError && error.code === "upstream_failed");
      match(
        error.message,
        /Cannot trust the placement of "fake": device 0 of 10.0.0.3:50052 was to hold 2 B, but/,
      );
      return true;
    });
  }));

Deno.test("weights on a backend that is not in the plan fail the start, by name", () =>
  withProgram("stray-weights", async (launch) => {
    using http = new HttpClient();
    await rejects(start(launch, http), /10.9.9.9:50052, which is not in the plan/);
  }));

Deno.test("a build that does not say that it listens is found ready by asking", () =>
  withProgram("mute", async (launch) => {
    using http = new HttpClient();
    await using coordinator = await start(launch, http);
    equal(coordinator.slotCount, 2);
    await coordinator.stop();
  }));

Deno.test("a line of 10 MB before the first useful one is survived", () =>
  withProgram("flood", async (launch) => {
    using http = new HttpClient();
    await using coordinator = await start(launch, http);
    ok(coordinator.logTail[0]!.length < 20_000);
    await coordinator.stop();
  }));

Deno.test("a process that exits without a word is told by its exit code, in the log too", () =>
  withProgram("dies", async (launch) => {
    const lines: string[] = [];
    using http = new HttpClient();
    const logger = createLogger({ sink: (line) => lines.push(line) });
    await using coordinator = await Coordinator.start(launch, {
      signal: new AbortController().signal,
      logger,
      http,
    });
    if (!coordinator.gone.aborted) await once(coordinator.gone, "abort");
    const death = coordinator.gone.reason;
    ok(death instanceof CoordinatorDeath);
    equal(death.message, 'The coordinator of "fake" died: llama-server exited with code 3');
    deepEqual([death.isWanted, death.kind, death.suspectEndpoint], [false, undefined, undefined]);
    await coordinator.stop();
    ok(lines.some((line) => line.includes('"coordinator died"') && line.includes('"exitCode":3')));
  }));

Deno.test("a load that never ends is ended by its deadline", () =>
  withProgram("never-ready", async (launch) => {
    using http = new HttpClient();
    await rejects(start({ ...launch, loadTimeoutMs: 200 }, http), (error) => {
      ok(error instanceof GatewayError && error.code === "load_timeout");
      match(
        error.message,
        /was not done after 200 ms; check network and disk, or raise coordinator.load_timeout$/,
      );
      return true;
    });
  }));

Deno.test("a program that does not exist fails the start and leaves no directory", () =>
  withProgram("ok", async (launch) => {
    using http = new HttpClient();
    await rejects(
      start({ ...launch, program: "/nonexistent/llama-server" }, http),
      (error) => error instanceof GatewayError && error.code === "backend_unreachable",
    );
  }));

Deno.test("a full disk under the coordinator's log costs lines, not the coordinator", () =>
  withProgram("ok", async (launch) => {
    using http = new HttpClient();
    await using coordinator = await start({ ...launch, logFile: { path: "/dev/full" } }, http);
    ok(coordinator.isAlive);
    await coordinator.stop();
  }));

Deno.test("a start whose signal has aborted already starts nothing", () =>
  withProgram("ok", async (launch) => {
    using http = new HttpClient();
    const reason = new Error("too late");
    await Deno.mkdir(launch.runtimeDirectory!);
    await rejects(
      Coordinator.start(launch, { signal: AbortSignal.abort(reason), logger: silentLogger, http }),
      (error) => error === reason,
    );
  }));
