import { deepEqual, equal } from "node:assert/strict";
import { Secrets } from "../../../lib/config/secrets.ts";
import { externalSettings, isSameExternal } from "../../../lib/coordinator/external_settings.ts";

const timeouts = { connectMs: 2_000, stallMs: 30_000 };
const none = { coordinatorUrl: undefined, coordinators: [], model: undefined, timeouts };
const listed = { url: "http://b:1", apiKey: undefined, model: undefined };

for (
  const { name, config, want } of [
    { name: "there are none unless some are named", config: none, want: [] },
    {
      name: "that of coordinator_url goes by its own list",
      config: { ...none, coordinatorUrl: "http://a:1" },
      want: [{ url: "http://a:1", apiKey: undefined, model: undefined, usesList: true, lostAfterMs: 30_000 }],
    },
    {
      name: "that of coordinator_url is also taken for the default model's",
      config: { ...none, coordinatorUrl: "http://a:1", model: "big" },
      want: [{ url: "http://a:1", apiKey: undefined, model: "big", usesList: true, lostAfterMs: 30_000 }],
    },
    {
      name: "one with a model is used for that alone, and the default model is not its",
      config: { ...none, coordinators: [{ ...listed, model: "small" }], model: "big" },
      want: [{ url: "http://b:1", apiKey: undefined, model: "small", usesList: false, lostAfterMs: 30_000 }],
    },
    {
      name: "they keep the order of the configuration, that of coordinator_url first",
      config: {
        ...none,
        coordinatorUrl: "http://a:1",
        coordinators: [listed, { ...listed, url: "http://c:1" }],
      },
      want: ["http://a:1", "http://b:1", "http://c:1"]
        .map((url) => ({ url, apiKey: undefined, model: undefined, usesList: true, lostAfterMs: 30_000 })),
    },
    {
      name: "what still connects is not given up for a stall",
      config: { ...none, coordinators: [listed], timeouts: { ...timeouts, stallMs: 500 } },
      want: [{ ...listed, usesList: true, lostAfterMs: 2_000 }],
    },
  ]
) {
  Deno.test(`settings of others' coordinators: ${name}`, () => deepEqual(externalSettings(config), want));
}

Deno.test("settings are the same exactly if they name the same place, models and key", () => {
  const same = { ...listed, usesList: true, lostAfterMs: 30_000, apiKey: new Secrets(["k"]) };
  equal(isSameExternal(same, { ...same, apiKey: new Secrets(["k"]), lostAfterMs: 1 }), true);
  for (
    const other of [
      { ...same, url: "http://c:1" },
      { ...same, apiKey: new Secrets(["l"]) },
      { ...same, apiKey: undefined },
      { ...same, model: "big" },
      { ...same, usesList: false },
    ]
  ) equal(isSameExternal(same, other), false, JSON.stringify(other));
});
