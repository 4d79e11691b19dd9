import { deepEqual, equal, ok, throws } from "node:assert/strict";
import {
  defineCommand,
  type OptionSpec,
  type OptionSpecs,
  type OptionValues,
  UsageError,
} from "../../../lib/cli/command.ts";
import { CONFIG_OPTIONS, configLayer, KEY_OF_FLAG } from "../../../lib/cli/config_flags.ts";
import { parseCommandLine } from "../../../lib/cli/parse.ts";
import { configKeys } from "../../../lib/config/keys.ts";
import { describeSource } from "../../../lib/config/source.ts";

/** What the words behind `serve` say, as they would on a command line. */
function layerOf(...argv: string[]) {
  const serve = defineCommand({
    name: "serve",
    summary: "",
    options: CONFIG_OPTIONS,
    run: () => Promise.resolve(0),
  });
  const invocation = parseCommandLine({ name: "prog", summary: "", commands: [serve] }, ["serve", ...argv]);
  return configLayer((invocation as { options: OptionValues<OptionSpecs> }).options);
}

Deno.test("every flag sets a key that exists, with the same choices and a fitting type", () => {
  deepEqual(
    Object.keys(KEY_OF_FLAG),
    Object.keys(CONFIG_OPTIONS).filter((flag) => !["config", "set"].includes(flag)),
  );
  for (const [flag, path] of Object.entries(KEY_OF_FLAG)) {
    const key = configKeys().find((key) => key.path === path);
    const spec: OptionSpec = CONFIG_OPTIONS[flag as keyof typeof CONFIG_OPTIONS];
    ok(key, `--${flag} sets "${path}", which is no key`);
    deepEqual(spec.choices ?? [], key.choices, `--${flag}`);
    equal(spec.type === "boolean", key.kind === "boolean", `--${flag}`);
    equal(spec.multiple ?? false, key.kind === "list", `--${flag}`);
  }
});

for (
  const { line, want } of [
    { line: "", want: {} },
    { line: "--listen 8080", want: { listen: "8080" } },
    { line: "--rpc a:1,b --rpc c", want: { rpc_backends: ["a:1", "b", "c"] } },
    { line: "--nodes a:1,https://b/c --nodes d", want: { ollama_nodes: ["a:1", "https://b/c", "d"] } },
    {
      line: '--nodes [{"url":"a","slots":2},"b"] --nodes c,[fd00::1]',
      want: { ollama_nodes: [{ url: "a", slots: 2 }, "b", "c", "[fd00::1]"] },
    },
    {
      line: '--set ollama_nodes=[{"url":"a","slots":2}]',
      want: { ollama_nodes: [{ url: "a", slots: 2 }] },
    },
    { line: '--set aliases={"a":"b=c"}', want: { aliases: { a: "b=c" } } },
    { line: "--set aliases=a", want: { aliases: "a" } },
    { line: "--models /a,b --models /c", want: { models: ["/a,b", "/c"] } },
    {
      line: "--no-model-sharding --task-distribution",
      want: { model_sharding_enabled: false, task_distribution_enabled: true },
    },
    { line: "--context-size 8192 --slots x", want: { coordinator: { context_size: 8192, slots: "x" } } },
    { line: "--set metrics=off --set log.level=debug", want: { metrics: false, log: { level: "debug" } } },
    { line: "--set coordinator.extra_args=-ts=1,2", want: { coordinator: { extra_args: ["-ts=1,2"] } } },
    { line: "--slots 2 --set coordinator.slots=3", want: { coordinator: { slots: 3 } } },
  ]
) {
  Deno.test(`configLayer() reads "${line}"`, () => {
    deepEqual(layerOf(...line.split(" ").filter((word) => word !== "")).values, want);
  });
}

Deno.test("configLayer() remembers the flag", () => {
  const { sources } = layerOf("--rpc", "a", "--set", "log.level=debug");
  equal(describeSource(sources.get("rpc_backends")!), "flag --rpc");
  equal(describeSource(sources.get("log.level")!), "flag --set log.level");
});

Deno.test("configLayer() refuses a --set without a value or with an unknown key", () => {
  throws(() => layerOf("--set", "metrics"), new UsageError('--set needs KEY=VALUE, got "metrics"'));
  throws(
    () => layerOf("--set", "log.levle=info"),
    new UsageError('--set knows no key "log.levle"; did you mean "log.level"?'),
  );
  throws(
    () => layerOf("--set", "aliases.gpt-4=llama3"),
    new UsageError(
      `--set knows no key "aliases.gpt-4"; aliases is set as a whole, as JSON: --set 'aliases={"gpt-4": …}'`,
    ),
  );
});
