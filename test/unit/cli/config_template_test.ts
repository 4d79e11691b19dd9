import { deepEqual, equal, ok } from "node:assert/strict";
import { configTemplate } from "../../../lib/cli/config_template.ts";
import { describeConfig } from "../../../lib/config/describe.ts";
import { configKeys } from "../../../lib/config/keys.ts";
import { mergeConfig } from "../../../lib/config/merge.ts";
import { parseConfigFile } from "../../../lib/config/yaml_file.ts";

const FILE = "/etc/sollol/config.yaml";

Deno.test("a config file that was just begun is right, and changes nothing", () => {
  const { said } = mergeConfig({ file: parseConfigFile(configTemplate(), FILE), env: {} });
  equal(said.sources.size, 0);
});

Deno.test("with all its keys switched on it says the defaults", () => {
  // a key without a default has no value to be switched on with
  const lines = configTemplate().split("\n").filter((line) =>
    !/^# \S|^#\s+\w+:$|^#[a-z_]+:$/.test(line) || isSection(line)
  );
  const text = lines.map((line) => line.replace(/^#/, "")).join("\n");
  const switchedOn = mergeConfig({ file: parseConfigFile(text, FILE), env: {} });
  const setCount = describeConfig(switchedOn).filter(({ source }) => source !== "default").length;
  ok(setCount > 50, `only ${setCount} keys`);
  const values = (loaded: typeof switchedOn) =>
    Object.fromEntries(describeConfig(loaded).map(({ key, value }) => [key, value]));
  deepEqual(values(switchedOn), values(mergeConfig({ env: {} })));
});

Deno.test("every key stands in it once, with its explanation above", () => {
  const lines = configTemplate().split("\n");
  for (const { path } of configKeys()) {
    const name = path.split(".").at(-1)!;
    const indent = "  ".repeat(path.split(".").length - 1);
    const at = lines.findIndex((line) =>
      line === `#${indent}${name}:` || line.startsWith(`#${indent}${name}: `)
    );
    ok(at > 0, `${path} is missing`);
    ok(/^#\s*# ?\S|^# \S/.test(lines[at - 1]!), `nothing is said of ${path}: ${lines[at - 1]}`);
  }
});

function isSection(line: string): boolean {
  return configKeys().some(({ path }) => path.startsWith(`${line.replace(/^#(\w+):$/, "$1")}.`));
}
