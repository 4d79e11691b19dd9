import { deepEqual, equal, ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { GatewayEvent } from "../../../lib/coordinator_admin.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { coordinatorReport } from "../../fixtures/coordinator_reports.ts";
import { EventReader } from "../../fixtures/event_reader.ts";
import { until } from "../../fixtures/until.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { CoordinatorBed } from "./coordinator_bed.ts";

const EVENTS = "/api/admin/events";
const FOLLOW = "/api/admin/coordinators/tiny/log?follow=true";

function stateEvent(because: string): GatewayEvent {
  const at = "2026-01-01T00:00:00.000Z";
  return { at, type: "state", id: "c1", model: "tiny", state: "ready", before: "starting", because };
}

async function listen(bed: CoordinatorBed, path = EVENTS): Promise<EventReader> {
  const response = await fetch(bed.url + path);
  equal(response.headers.get("content-type"), "text/event-stream");
  return new EventReader(response);
}

/** A connection that asks and never reads. */
async function askWithoutReading(bed: CoordinatorBed, path: string): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(bed.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`));
  return connection;
}

Deno.test("GET /api/admin/events tells how all is, and then what happens", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("tiny"));
  await using events = await listen(bed);
  const snapshot = await events.nextJson();
  equal(snapshot?.type, "snapshot");
  const { coordinators } = snapshot!.data as { coordinators: { model: string; phase: unknown }[] };
  deepEqual([coordinators.length, coordinators[0]!.model, coordinators[0]!.phase], [1, "tiny", null]);
  bed.admin.bus.publish(stateEvent("line\nbreak"));
  bed.admin.bus.publish({ at: "x", type: "config", applied: ["pinned"], needRestart: [], error: undefined });
  deepEqual(await events.nextJson(), { type: "state", data: { ...stateEvent("line\nbreak") } });
  deepEqual((await events.nextJson())?.type, "config");
});

Deno.test("GET /api/admin/events loses nothing between the snapshot and what follows", async () => {
  await using bed = new CoordinatorBed();
  const list = bed.admin.listCoordinators.bind(bed.admin);
  bed.admin.listCoordinators = () => {
    bed.admin.bus.publish(stateEvent("meanwhile"));
    return list();
  };
  await using events = await listen(bed);
  deepEqual((await events.nextJson())?.type, "snapshot");
  deepEqual(await events.nextJson(), { type: "state", data: stateEvent("meanwhile") });
});

Deno.test("GET /api/admin/events tells a slow reader what it missed, and how all is then", async () => {
  await using bed = new CoordinatorBed();
  await using events = await listen(bed);
  equal((await events.next())?.type, "snapshot");
  for (let count = 0; count < 5_000; count++) bed.admin.bus.publish(stateEvent(String(count)));
  let told = 0;
  let event = await events.nextJson();
  for (; event?.type === "state"; event = await events.nextJson()) told++;
  equal(event?.type, "missed");
  equal(told + (event!.data as { count: number }).count, 5_000);
  ok(told > 0);
  equal((await events.next())?.type, "snapshot");
  bed.admin.bus.publish(stateEvent("later"));
  deepEqual(await events.nextJson(), { type: "state", data: stateEvent("later") });
});

for (const path of [EVENTS, FOLLOW]) {
  Deno.test(`GET ${path} serves a hundred readers, and forgets those who leave`, async () => {
    await using bed = new CoordinatorBed();
    bed.admin.add(coordinatorReport("tiny"));
    bed.admin.logLines.push("a line");
    const all = await Promise.all(Array.from({ length: 100 }, () => listen(bed, path)));
    await Promise.all(all.map((events) => events.next()));
    await until(() => bed.admin.listenerCount === 100, "all listen");
    bed.admin.logLines.push("told to all");
    bed.admin.bus.publish(stateEvent("told to all"));
    for (const events of all) ok((await events.next())?.data.includes("told to all"));
    for (const events of all) await events[Symbol.asyncDispose]();
    await until(() => bed.admin.listenerCount === 0, "all are forgotten", { withinMs: 10_000 });
  });

  Deno.test(`GET ${path} keeps nobody waiting for a client that never reads, and forgets it when it leaves`, async () => {
    await using bed = new CoordinatorBed();
    bed.admin.add(coordinatorReport("tiny"));
    bed.admin.logLines.push("a line");
    const deaf = await askWithoutReading(bed, path);
    await until(() => bed.admin.listenerCount === 1, "it listens");
    await using events = await listen(bed);
    await events.next();
    for (let count = 0; count < 3_000; count++) {
      bed.admin.bus.publish(stateEvent("x".repeat(5_000)));
      if (count % 500 === 499) equal((await events.next())?.type, "state");
    }
    equal(bed.admin.listenerCount, 2);
    deaf.close();
    await until(() => bed.admin.listenerCount === 1, "it is forgotten", { withinMs: 10_000 });
  });

  Deno.test(`GET ${path} ends properly when the gateway begins to shut down, also for one that does not read`, async () => {
    const bed = new CoordinatorBed();
    bed.admin.add(coordinatorReport("tiny"));
    bed.admin.logLines.push("a line");
    const deaf = await askWithoutReading(bed, path);
    await using events = await listen(bed, path);
    await events.next();
    await until(() => bed.admin.listenerCount === 2, "both listen");
    await bed[Symbol.asyncDispose]();
    equal(await events.next(), undefined);
    equal(bed.admin.listenerCount, 0);
    deaf.close();
  });

  Deno.test(`GET ${path} shows that it lives while nothing happens`, async () => {
    const clock = new FakeClock();
    await using bed = new CoordinatorBed({ clock });
    bed.admin.add(coordinatorReport("tiny"));
    bed.admin.logLines.push("a line");
    await using events = await listen(bed, path);
    await events.next();
    equal(events.text.includes(": still here"), false);
    const next = events.next();
    for (let pauses = 1; pauses <= 3; pauses++) {
      await until(() => {
        clock.advance(15_000);
        return events.text.split(": still here\n\n").length > pauses;
      }, "a sign of life");
    }
    bed.admin.logLines.push("after that");
    bed.admin.bus.publish(stateEvent("after that"));
    ok((await next)?.data.includes("after that"));
  });

  Deno.test(`HEAD ${path} leaves no listener behind`, async () => {
    await using bed = new CoordinatorBed();
    bed.admin.add(coordinatorReport("tiny"));
    const response = await fetch(bed.url + path, { method: "HEAD" });
    equal(response.status, 200);
    await response.body?.cancel();
    equal(bed.admin.listenerCount, 0);
  });
}

Deno.test("GET …/log?follow=true gives the last lines and then those that come, whatever they hold", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("tiny"));
  bed.admin.logLines.push("one", "two", "data: three");
  await using events = await listen(bed, `${FOLLOW}&tail=2`);
  deepEqual(await events.next(), { type: "message", data: "two" });
  deepEqual(await events.next(), { type: "message", data: "data: three" });
  await until(() => bed.admin.listenerCount === 1, "it follows");
  bed.admin.logLines.push("", "a\rb");
  bed.admin.bus.publish(stateEvent("it has written"));
  deepEqual(await events.next(), { type: "message", data: "" });
  deepEqual(await events.next(), { type: "message", data: "a\nb" });
});

Deno.test("A stream that fails ends with an event that says why", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("tiny"));
  bed.admin.readLog = async function* () {
    yield "a line";
    await Promise.resolve();
    throw new GatewayError("not_found", "The file is gone");
  };
  await using events = await listen(bed, FOLLOW);
  equal((await events.next())?.data, "a line");
  const { type, data } = (await events.nextJson())!;
  deepEqual([type, (data as { error: { message: string } }).error.message], ["error", "The file is gone"]);
  equal(await events.next(), undefined);
});

Deno.test("A stream that is full when its client leaves lets go of what it read from", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("tiny"));
  let lineCount = 0;
  let isLeft = false;
  bed.admin.readLog = async function* () {
    try {
      for (;; lineCount++) yield await Promise.resolve("x".repeat(60_000));
    } finally {
      isLeft = true;
    }
  };
  const deaf = await askWithoutReading(bed, FOLLOW);
  await until(
    async () => {
      const before = lineCount;
      await delay(20);
      return before > 20 && lineCount === before;
    },
    "it is full",
    { withinMs: 10_000 },
  );
  deaf.close();
  await until(() => isLeft, "it has let go", { withinMs: 10_000 });
});
