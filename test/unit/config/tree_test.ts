import { deepEqual, equal } from "node:assert/strict";
import { childrenOf, configKeys } from "../../../lib/config/keys.ts";
import { configSchema } from "../../../lib/config/tree.ts";

interface Node {
  type?: string;
  description?: string;
  additionalProperties?: boolean;
  properties?: Record<string, Node>;
}

function* nodesOf(node: Node, path: string): Generator<[string, Node]> {
  yield [path, node];
  for (const [name, child] of Object.entries(node.properties ?? {})) yield* nodesOf(child, `${path}.${name}`);
}

Deno.test("the schema of the config explains every key and allows no other", () => {
  const [[, root], ...nodes] = [...nodesOf(configSchema() as Node, "config")] as [
    [string, Node],
    ...[string, Node][],
  ];
  equal(root.additionalProperties, false);
  for (const [path, node] of nodes) {
    equal(/^.{10,}\.$/.test(node.description ?? ""), true, `${path}: ${node.description}`);
    if (node.properties) equal(node.additionalProperties, false, path);
  }
});

Deno.test("the description of every value names its default, and the default that is in force", () => {
  for (const { path, description, default: value } of configKeys()) {
    const stated = typeof value === "object" ? "" : String(value ?? ""); // an empty list is told in words
    equal(/\bdefault\b/.test(description) && description.includes(stated), true, `${path}: ${description}`);
  }
});

Deno.test("configKeys() tells kind, form and choices of each key", () => {
  const pick = (path: string) => {
    const { kind, format, separator, choices } = configKeys().find((key) => key.path === path)!;
    return { kind, format, separator, choices };
  };
  deepEqual(pick("coordinator.extra_args"), { kind: "list", format: undefined, separator: " ", choices: [] });
  deepEqual(pick("models"), { kind: "list", format: "path", separator: ",", choices: [] });
  deepEqual(pick("api_keys"), { kind: "list", format: "secret", separator: ",", choices: [] });
  deepEqual(pick("coordinator.slots"), { kind: "number", format: undefined, separator: ",", choices: [] });
  deepEqual(pick("metrics").kind, "boolean");
  deepEqual(pick("log.format").choices, ["auto", "json", "pretty"]);
});

Deno.test("childrenOf() looks into sections and into elements of lists", () => {
  deepEqual(childrenOf(["log"]), ["level", "format"]);
  deepEqual(childrenOf(["rpc_backends", 3]), ["host", "port", "memory", "exclude", "bandwidth"]);
  deepEqual(childrenOf(["nothing", "here"]), []);
});
