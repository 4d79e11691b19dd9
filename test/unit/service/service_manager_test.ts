import { deepEqual, equal } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Environment } from "../../../lib/config/environment.ts";
import { ServiceManager } from "../../../lib/service/service_manager.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { RecordedLog } from "../../fixtures/recorded_log.ts";

/** A service manager that keeps what it is told, over a clock that the test moves. */
class ManagerBed implements AsyncDisposable {
  readonly clock = new FakeClock(0);
  readonly log = new RecordedLog();
  readonly told: string[] = [];
  isClosed = false;
  send: () => Promise<void> = () => Promise.resolve();
  readonly manager: ServiceManager;

  constructor({ env = { NOTIFY_SOCKET: "/run/notify" }, refuses = false }: BedOptions = {}) {
    this.manager = new ServiceManager({
      env,
      logger: this.log.logger,
      clock: this.clock,
      pid: 7,
      open: () => {
        if (refuses) throw new Error("no such sockets here");
        return {
          send: async (text) => {
            await this.send();
            this.told.push(text.replace(/USEC=\d+/, "USEC=…"));
          },
          [Symbol.dispose]: () => {
            this.isClosed = true;
          },
        };
      },
    });
  }

  async passes(ms: number): Promise<void> {
    await setImmediate();
    this.clock.advance(ms);
    await setImmediate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager[Symbol.asyncDispose]();
  }
}

interface BedOptions {
  readonly env?: Environment;
  readonly refuses?: boolean;
}

Deno.test("a service manager hears of the start, readiness, a reload and the end, in this order", async () => {
  await using bed = new ManagerBed();
  const { manager } = bed;
  manager.starting(() => "starts");
  manager.ready(() => "serves");
  manager.reloading();
  manager.reloaded();
  manager.stopping(() => "ends");
  await bed.manager[Symbol.asyncDispose]();
  const reload = bed.told[2]?.split("\n")[0]; // the rest is the host's time
  deepEqual([...bed.told.slice(0, 2), reload, ...bed.told.slice(3)], [
    "STATUS=starts",
    "READY=1\nSTATUS=serves",
    "RELOADING=1",
    "READY=1",
    "STOPPING=1\nSTATUS=ends",
  ]);
  equal(bed.isClosed, true);
});

Deno.test("a service manager hears of no reload before readiness and after the end has begun", async () => {
  await using bed = new ManagerBed();
  const { manager } = bed;
  manager.starting(() => "starts");
  manager.reloading();
  manager.reloaded();
  manager.ready(() => "serves");
  manager.reloading();
  manager.stopping(() => "ends");
  manager.reloaded();
  await bed.passes(0);
  deepEqual(bed.told.filter((text) => text.startsWith("READY")), ["READY=1\nSTATUS=serves"]);
});

Deno.test("a service manager hears a new sentence once, and at most one a second", async () => {
  await using bed = new ManagerBed();
  let count = 0;
  bed.manager.ready(() => `${count} nodes`);
  for (const next of [1, 2, 3]) {
    count = next;
    await bed.passes(300);
  }
  await bed.passes(300); // the second is over
  for (let second = 0; second < 10; second++) await bed.passes(1_000);
  deepEqual(bed.told, ["READY=1\nSTATUS=0 nodes", "STATUS=3 nodes"]);
});

Deno.test("a service manager hears that what drains becomes less", async () => {
  await using bed = new ManagerBed();
  let count = 2;
  bed.manager.ready(() => "serves");
  bed.manager.stopping(() => `lets ${count} finish`);
  await bed.passes(1_000);
  count = 1;
  await bed.passes(1_000);
  deepEqual(bed.told.slice(1), ["STOPPING=1\nSTATUS=lets 2 finish", "STATUS=lets 1 finish"]);
});

for (
  const { name, options, lines } of [
    { name: "nobody is there", options: { env: {} }, lines: 0 },
    { name: "its variable is empty", options: { env: { NOTIFY_SOCKET: "" } }, lines: 0 },
    { name: "its socket cannot be reached", options: { refuses: true }, lines: 1 },
  ]
) {
  Deno.test(`nothing is told and nothing fails where ${name}`, async () => {
    await using bed = new ManagerBed(options);
    const { manager } = bed;
    equal(manager.isThere, false);
    manager.starting(() => "starts");
    manager.ready(() => "serves");
    manager.reloading();
    manager.reloaded();
    await using _watch = manager.watch(() => Promise.reject(new Error("is not asked")));
    manager.stopping(() => "ends");
    await bed.passes(60_000);
    deepEqual(bed.told, []);
    equal(bed.log.lines.length, lines);
  });
}

Deno.test("a service manager that cannot be told is one line in the log until it can be told again", async () => {
  await using bed = new ManagerBed();
  bed.send = () => Promise.reject(new Error("no such file"));
  let count = 0;
  bed.manager.ready(() => `${count} nodes`);
  for (count = 1; count <= 3; count++) await bed.passes(1_000);
  deepEqual(bed.log.said, ["warn service manager was not told"]);
  bed.send = () => Promise.resolve();
  await bed.passes(1_000);
  deepEqual(bed.told, ["STATUS=4 nodes"]);
  bed.send = () => Promise.reject(new Error("no such file"));
  count++;
  await bed.passes(1_000);
  equal(bed.log.lines.length, 2);
});

Deno.test("a service manager that watches us hears that we live, a third of its interval apart", async () => {
  await using bed = new ManagerBed({ env: { NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "9000000" } });
  const watch = bed.manager.watch(() => Promise.resolve(true));
  for (let second = 0; second < 7; second++) await bed.passes(1_000);
  await watch[Symbol.asyncDispose]();
  await bed.passes(60_000);
  deepEqual(bed.told, ["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
});

Deno.test("a service manager that watches another process hears no beats", async () => {
  const env = { NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "9000000", WATCHDOG_PID: "6" };
  await using bed = new ManagerBed({ env });
  await using _watch = bed.manager.watch(() => Promise.resolve(true));
  await bed.passes(60_000);
  deepEqual(bed.told, []);
});

Deno.test("a service manager whose socket is full holds our end up for a second at most", async () => {
  const bed = new ManagerBed();
  bed.send = () => new Promise<void>(() => {});
  bed.manager.ready(() => "serves");
  bed.manager.stopping(() => "ends");
  let hasEnded = false;
  const end = bed.manager[Symbol.asyncDispose]().then(() => {
    hasEnded = true;
  });
  await bed.passes(999);
  equal(hasEnded, false);
  await bed.passes(1);
  await end;
  equal(bed.isClosed, true);
});
