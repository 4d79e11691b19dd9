import { deepEqual, equal, throws } from "node:assert/strict";
import { ConfigError } from "../../../lib/config/config_error.ts";
import { sourceOf } from "../../../lib/config/layer.ts";
import { parseConfigFile } from "../../../lib/config/yaml_file.ts";

function refusal(text: string): string {
  let message = "";
  throws(() => parseConfigFile(text, "c.yaml"), (error) => {
    message = (error as Error).message;
    return error instanceof ConfigError;
  });
  return message;
}

Deno.test("parseConfigFile() knows the line of each key and each element", () => {
  const layer = parseConfigFile(
    "# ours\nlisten: 1\nrpc_backends:\n  - a\n  - host: b\n    port: 2\n",
    "c.yaml",
  );
  deepEqual(layer.values, { listen: 1, rpc_backends: ["a", { host: "b", port: 2 }] });
  const lines = ["listen", "rpc_backends.0", "rpc_backends.1", "rpc_backends.1.port"].map((path) => {
    const source = sourceOf(layer, path);
    return source?.kind === "file" ? source.line : undefined;
  });
  deepEqual(lines, [2, 4, 5, 6]);
});

Deno.test("parseConfigFile() reads JSON, an empty file, and a file of comments", () => {
  deepEqual(parseConfigFile('{"log": {"level": "debug"}}', "c.json").values, { log: { level: "debug" } });
  deepEqual(parseConfigFile("", "c.yaml").values, {});
  deepEqual(parseConfigFile("# nothing\n", "c.yaml").values, {});
});

Deno.test("parseConfigFile() takes a key without a value for one that is not set", () => {
  deepEqual(parseConfigFile("models:\ncoordinator:\n  slots:\n  threads: 2\nlog:\n", "c.yaml").values, {
    coordinator: { threads: 2 },
  });
});

Deno.test("parseConfigFile() follows an anchor that is repeated a few times", () => {
  const { values } = parseConfigFile("limits: {body: &size 1GiB}\ncoordinator: {cache_ram: *size}", "c.yaml");
  deepEqual(values, { limits: { body: "1GiB" }, coordinator: { cache_ram: "1GiB" } });
});

for (
  const { name, text, want } of [
    {
      name: "a syntax error, with line and column",
      text: "listen: 1\nmodels: [a, b\n",
      want: /c\.yaml:\d:\d+: /,
    },
    {
      name: "a key that stands twice",
      text: "listen: 1\nlisten: 2\n",
      want: /c\.yaml:2:1: Map keys must be unique/,
    },
    { name: "a tab as indentation", text: "log:\n\tlevel: info\n", want: /c\.yaml:2:\d: Tabs/ },
    {
      name: "a list where keys should be",
      text: "- a\n- b\n",
      want: /c\.yaml: it must hold keys and values/,
    },
    { name: "a bare word", text: "hello", want: /c\.yaml: it must hold keys and values/ },
    { name: "two documents", text: "a: 1\n---\nb: 2\n", want: /c\.yaml:2:1: .*multiple documents/ },
    { name: "a tag that nobody knows", text: "model: !secret x\n", want: /c\.yaml:1:8: Unresolved tag/ },
    { name: "lists nested absurdly deep", text: "models: " + "[".repeat(20_000), want: /c\.yaml/ },
  ]
) {
  Deno.test(`parseConfigFile() refuses ${name}`, () => {
    const message = refusal(text);
    equal(want.test(message), true, message.slice(0, 500));
  });
}

Deno.test("parseConfigFile() refuses a bomb of aliases before it goes off", () => {
  const levels = Array.from(
    { length: 12 },
    (_, index) => `k${index + 1}: &k${index + 1} [${Array(9).fill(`*k${index}`)}]`,
  );
  const message = refusal(`k0: &k0 [x,x,x]\n${levels.join("\n")}\n`);
  equal(/Excessive alias count/.test(message), true, message);
});
