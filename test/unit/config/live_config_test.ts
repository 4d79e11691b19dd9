import { deepEqual, equal, match, throws } from "node:assert/strict";
import { type AppliedChange, LiveConfig } from "../../../lib/config/live_config.ts";
import { messageOf } from "../../../lib/errors.ts";
import { configOf } from "../../fixtures/config_changes.ts";

Deno.test("a live config is read as any config, and says what is in force", () => {
  const live = new LiveConfig(configOf({ model: "a" }));
  const { config } = live;
  const before = live.current;
  deepEqual({ ...config }, { ...before });
  live.apply(configOf({ model: "b", "timeouts.stall": "7s" }));
  deepEqual([config.model, config.timeouts.stallMs, live.current.model], ["b", 7_000, "b"]);
  deepEqual([before.model, before.timeouts.stallMs], ["a", 30_000]);
  deepEqual({ ...config }, { ...live.current });
});

for (
  const { name, said, want } of [
    { name: "nothing where nothing changed", said: {}, want: { applied: [], needRestart: [] } },
    {
      name: "what counts from now on",
      said: { "pool.idle_ttl": "1m", "coordinator.slots": 2 },
      want: { applied: ["coordinator.slots", "pool.idle_ttl"], needRestart: [] },
    },
    {
      name: "what counts after a restart",
      said: { listen: "8080", model: "a", state_dir: "/s" },
      want: { applied: ["model"], needRestart: ["listen", "coordinator.log_dir", "state_dir"] },
    },
  ]
) {
  Deno.test(`apply() tells ${name}`, () => {
    deepEqual(new LiveConfig(configOf()).apply(configOf(said)), want);
  });
}

Deno.test("what needs a restart stays as it was, and is told each time until it is taken back", () => {
  const live = new LiveConfig(configOf());
  const wanted = { listen: "8080", state_dir: "/s" };
  live.apply(configOf({ ...wanted, model: "a" }));
  const { listen, stateDir, coordinator } = configOf();
  deepEqual(
    [live.config.listen, live.config.stateDir, live.config.coordinator.logDir],
    [listen, stateDir, coordinator.logDir],
  );
  const again = live.apply(configOf({ ...wanted, model: "a" }));
  deepEqual(again, { applied: [], needRestart: ["listen", "coordinator.log_dir", "state_dir"] });
  deepEqual(live.apply(configOf({ model: "a" })), { applied: [], needRestart: [] });
});

Deno.test("whoever listens hears of what was applied, with the config in force, until it leaves", () => {
  const live = new LiveConfig(configOf());
  const heard: [string | undefined, AppliedChange][] = [];
  const listening = live.onChange((config, change) => heard.push([config.model, change]));
  live.apply(configOf({ model: "a", listen: "8080" }));
  live.apply(configOf({ model: "a" })); // nothing that counts
  listening[Symbol.dispose]();
  live.apply(configOf({ model: "b" }));
  deepEqual(heard, [["a", { applied: ["model"], needRestart: ["listen"] }]]);
});

Deno.test("one listener that throws keeps the config from nobody else", () => {
  const live = new LiveConfig(configOf());
  using _first = live.onChange(() => {
    throw new RangeError("too long");
  });
  let heardModel: string | undefined;
  using _second = live.onChange(({ model }) => heardModel = model);
  const { loadSettingsChanged } = live;
  throws(() => live.apply(configOf({ model: "a", "coordinator.slots": 2 })), /too long/);
  deepEqual([heardModel, live.config.model, loadSettingsChanged.aborted], ["a", "a", true]);
});

Deno.test("coordinators that were started with something else are told to leave, and why", () => {
  const live = new LiveConfig(configOf());
  const first = live.loadSettingsChanged;
  live.apply(configOf({ model: "a" }));
  equal(first.aborted, false, "the name of a model starts no coordinator");
  equal(live.loadSettingsChanged, first);
  let slotsThen: number | undefined;
  let isNewOver: boolean | undefined;
  first.addEventListener("abort", () => {
    slotsThen = live.config.coordinator.slots;
    isNewOver = live.loadSettingsChanged.aborted;
  });
  live.apply(configOf({ model: "a", "coordinator.slots": 2, "llama_cpp.prefix": "/p" }));
  match(messageOf(first.reason), /llama_cpp\.prefix, coordinator\.slots/);
  deepEqual([slotsThen, isNewOver], [2, false], "what is started then is of today");
});

Deno.test("coordinators do not leave for a change that needs a restart", () => {
  const live = new LiveConfig(configOf());
  const { loadSettingsChanged } = live;
  live.apply(configOf({ state_dir: "/s", "coordinator.log_max": "1MiB" }));
  equal(loadSettingsChanged.aborted, false);
});
