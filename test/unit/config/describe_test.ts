import { deepEqual, equal } from "node:assert/strict";
import { inspect } from "node:util";
import { describeConfig } from "../../../lib/config/describe.ts";
import { configKeys } from "../../../lib/config/keys.ts";
import { layerOf } from "../../../lib/config/layer.ts";
import { type ConfigSources, mergeConfig } from "../../../lib/config/merge.ts";
import { parseConfigFile } from "../../../lib/config/yaml_file.ts";

function rows(sources: ConfigSources, ...keys: string[]): string[] {
  const all = describeConfig(mergeConfig(sources));
  return keys.map((key) => all.find((row) => row.key === key)!).map(({ value, source }) =>
    `${value} | ${source}`
  );
}

Deno.test("describeConfig() has a row for every key", () => {
  deepEqual(describeConfig(mergeConfig({})).map(({ key }) => key), configKeys().map(({ path }) => path));
});

Deno.test("describeConfig() shows what people wrote and where, not what code made of it", () => {
  const sources = {
    file: parseConfigFile(
      "limits:\n  body: 1g\ncoordinator: {threads: 4}\nrpc_backends: [{host: a}, b:2]",
      "/c.yaml",
    ),
    env: { SOLLOL_LISTEN: "8080", HOME: "/h" },
    flags: layerOf([{ path: "log.level", value: "debug", source: { kind: "flag", flag: "--log-level" } }]),
  };
  deepEqual(rows(sources, "limits.body", "rpc_backends", "listen", "log.level", "model", "state_dir"), [
    "1g | file /c.yaml, line 2",
    "a:50052,b:2 | file /c.yaml, line 4",
    "8080 | environment SOLLOL_LISTEN",
    "debug | flag --log-level",
    " | default",
    "/h/.local/state/sollol | default",
  ]);
});

Deno.test("describeConfig() gives a default as its own source even inside a section of the file", () => {
  const sources = { file: parseConfigFile("coordinator:\n  threads: 4\n  slots:\n", "/c.yaml") };
  deepEqual(rows(sources, "coordinator.slots", "coordinator.startup_watchdog"), [
    "4 | default",
    "5s | default",
  ]);
});

Deno.test("no printed form of a config shows a secret", () => {
  const loaded = mergeConfig({
    file: parseConfigFile(
      `api_keys: [hunter2, hunter3]
coordinator: {extra_args: [--hf-token, hunter4, --their-key=hunter5, --mlock]}`,
      "/c.yaml",
    ),
  });
  const keys = ["api_keys", "coordinator.extra_args"];
  deepEqual(keys.map((key) => describeConfig(loaded).find((row) => row.key === key)!.value), [
    "***,***",
    "--hf-token *** --their-key=*** --mlock",
  ]);
  const { apiKeys } = loaded.config;
  equal(/hunter/.test(JSON.stringify(describeConfig(loaded))), false);
  equal(
    /hunter/.test(`${apiKeys} ${JSON.stringify(apiKeys)} ${Deno.inspect(apiKeys)} ${inspect(apiKeys)}`),
    false,
  );
  deepEqual(apiKeys.reveal(), ["hunter2", "hunter3"]);
});
