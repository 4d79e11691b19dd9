import { deepEqual, equal, match } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Config } from "../../../lib/config/config.ts";
import { ConfigError } from "../../../lib/config/config_error.ts";
import { LiveConfig } from "../../../lib/config/live_config.ts";
import { type ConfigEvent, ConfigReload } from "../../../lib/reload/config_reload.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { configOf } from "../../fixtures/config_changes.ts";
import { RecordedLog } from "../../fixtures/recorded_log.ts";

/** A reload whose readings end when the test says so. */
class ReloadBed implements Disposable {
  readonly log = new RecordedLog();
  readonly live = new LiveConfig(configOf());
  readonly events: ConfigEvent[] = [];
  /** How many readings have begun and ended. */
  readonly readings = { begun: 0, ended: 0 };
  readonly #readings: PromiseWithResolvers<Config>[] = [];
  warnings: readonly string[] = [];
  readonly reload = new ConfigReload({
    live: this.live,
    logger: this.log.logger,
    clock: new FakeClock(0),
    onEvent: (event) => this.events.push(event),
    onReading: {
      begins: () => void this.readings.begun++,
      ends: () => void this.readings.ended++,
    },
    read: async () => {
      const reading = Promise.withResolvers<Config>();
      this.#readings.push(reading);
      return { config: await reading.promise, warnings: this.warnings };
    },
  });

  get readingCount(): number {
    return this.#readings.length;
  }

  /** Ends the last reading with this. */
  async finds(found: Config | Error): Promise<void> {
    const { resolve, reject } = this.#readings.at(-1)!;
    if (found instanceof Error) reject(found);
    else resolve(found);
    await setImmediate();
  }

  [Symbol.dispose](): void {
    this.reload[Symbol.dispose]();
  }
}

const problem = (message: string) => ({ path: undefined, message, source: undefined });
const at = "1970-01-01T00:00:00.000Z";

Deno.test("a config that was read again is in force, and told once: what counts, and what needs a restart", async () => {
  using bed = new ReloadBed();
  bed.warnings = ["everybody may use it"];
  bed.reload.request("SIGHUP");
  await bed.finds(configOf({ model: "a", listen: "8080" }));
  equal(bed.live.config.model, "a");
  deepEqual(bed.log.said, ["info config applied", "warn config doubtful"]);
  const { because, applied, needRestart } = bed.log.lines[0]!;
  deepEqual({ because, applied, needRestart }, {
    because: "SIGHUP",
    applied: ["model"],
    needRestart: ["listen"],
  });
  deepEqual(bed.events, [{ at, type: "config", applied: ["model"], needRestart: ["listen"] }]);
});

Deno.test("a config that says the same as before costs one quiet line", async () => {
  using bed = new ReloadBed();
  bed.warnings = ["everybody may use it"];
  bed.reload.request("SIGHUP");
  await bed.finds(configOf());
  deepEqual(bed.log.said, ["info config unchanged"]);
  equal("because" in bed.log.lines[0]!, false, "it is not unchanged because of that");
  deepEqual(bed.events, []);
});

for (
  const { name, error, problems } of [
    {
      name: "is wrong in two ways",
      error: new ConfigError([problem("a is wrong"), problem("b is wrong")]),
      problems: ["a is wrong", "b is wrong"],
    },
    { name: "cannot be read", error: new Error("disk on fire"), problems: ["disk on fire"] },
  ]
) {
  Deno.test(`a config that ${name} leaves the one before in force, and the next one heals it`, async () => {
    using bed = new ReloadBed();
    const before = bed.live.current;
    bed.reload.request("its file changed");
    await bed.finds(error);
    equal(bed.live.current, before);
    deepEqual(bed.log.said, ["warn config not taken, the one before stays in force"]);
    deepEqual(bed.log.lines[0]!["problems"], problems);
    deepEqual(bed.events, [{
      at,
      type: "config",
      applied: [],
      needRestart: [],
      error: problems.join("; "),
    }]);
    bed.reload.request("its file changed");
    await bed.finds(configOf({ model: "a" }));
    equal(bed.live.config.model, "a");
  });
}

Deno.test("a storm of requests costs one reading at a time, and the last one began after the last request", async () => {
  using bed = new ReloadBed();
  for (let count = 0; count < 1_000; count++) bed.reload.request("SIGHUP");
  equal(bed.readingCount, 1);
  for (let count = 0; count < 1_000; count++) bed.reload.request("its file changed");
  await bed.finds(configOf({ model: "old" }));
  equal(bed.readingCount, 2);
  await bed.finds(configOf({ model: "new" }));
  deepEqual([bed.readingCount, bed.live.config.model], [2, "new"]);
  deepEqual(bed.log.lines.map(({ because }) => because), ["SIGHUP", "its file changed"]);
});

Deno.test("a request while the config is being put in force is not lost", async () => {
  using bed = new ReloadBed();
  using _listening = bed.live.onChange(({ model }) => {
    if (model === "a") bed.reload.request("SIGHUP");
  });
  bed.reload.request("SIGHUP");
  await bed.finds(configOf({ model: "a" }));
  equal(bed.readingCount, 2);
  await bed.finds(configOf({ model: "b" }));
  equal(bed.live.config.model, "b");
});

for (const found of [configOf({ model: "a" }), new Error("disk on fire")]) {
  Deno.test(`a reading that ends behind the gateway with ${found instanceof Error ? "an error" : "a config"} does nothing`, async () => {
    using bed = new ReloadBed();
    bed.reload.request("SIGHUP");
    bed.reload.request("SIGHUP");
    bed.reload[Symbol.dispose]();
    await bed.finds(found);
    deepEqual([bed.live.config.model, bed.readingCount, bed.log.said, bed.events], [undefined, 1, [], []]);
  });
}

Deno.test("a listener that throws is told to the log as what it is: the config is in force all the same", async () => {
  using bed = new ReloadBed();
  using _listening = bed.live.onChange(() => {
    throw new TypeError("a bug");
  });
  bed.reload.request("SIGHUP");
  await bed.finds(configOf({ model: "a" }));
  equal(bed.live.config.model, "a");
  deepEqual(bed.log.said, ["error config not applied everywhere, restart the gateway"]);
  match(String(bed.log.lines[0]!["error"]), /a bug/);
  bed.reload.request("SIGHUP");
  equal(bed.readingCount, 2, "it reads on");
  await bed.finds(configOf({ model: "a" }));
});

for (
  const { name, found } of [
    { name: "is taken", found: configOf({ model: "a" }) },
    { name: "changes nothing", found: configOf() },
    { name: "is wrong", found: new ConfigError([problem("slots must be a number")]) },
    { name: "cannot be read", found: new Error("no such file") },
  ]
) {
  Deno.test(`whoever follows readings hears of the begin and the end of one that ${name}`, async () => {
    using bed = new ReloadBed();
    bed.reload.request("SIGHUP");
    deepEqual(bed.readings, { begun: 1, ended: 0 });
    await bed.finds(found);
    deepEqual(bed.readings, { begun: 1, ended: 1 });
  });
}
