import { deepEqual, doesNotMatch, equal, throws } from "node:assert/strict";
import { ConfigError, describeProblem } from "../../../lib/config/config_error.ts";
import { childrenOf, configKeys } from "../../../lib/config/keys.ts";
import { mergeConfig } from "../../../lib/config/merge.ts";
import { configSchema } from "../../../lib/config/tree.ts";
import { parseConfigFile } from "../../../lib/config/yaml_file.ts";

interface Node {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  format?: string;
  writeOnly?: boolean;
  items?: Node;
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

Deno.test("configKeys() says what the schema says", () => {
  const said = [...nodesOf(configSchema() as Node, "")].slice(1).flatMap(([path, node]) => {
    if (node.properties) return [];
    const format = node.writeOnly ? "secret" : node.items?.format ?? node.format;
    return [{
      path: path.slice(1),
      kind: KIND_OF_TYPE[node.type ?? ""] ?? "text",
      description: node.description,
      choices: node.enum ?? [],
      format,
      // JSON Schema leaves it out where what the key holds is of another type for code than for people.
      ...("default" in node && { default: node.default }),
    }];
  });
  const known = configKeys().map(({ separator: _, default: standard, ...key }, at) => ({
    ...key,
    ...("default" in said[at]! && { default: standard }),
  }));
  deepEqual(known, said);
});

const KIND_OF_TYPE: Record<string, string> = {
  boolean: "boolean",
  integer: "number",
  number: "number",
  array: "list",
  object: "map",
};

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

function configOf(text: string) {
  return mergeConfig({ file: parseConfigFile(text, "/c") }).config;
}

Deno.test("the pool, what waiting clients see, and the queue have the defaults that are described", () => {
  const { pool, waiting, hasResumedStreams, coordinators, coordinator, limits, timeouts } = configOf("");
  deepEqual(pool, {
    maxCoordinators: 4,
    idleTtlMs: 600_000,
    minResidencyMs: 0,
    swapWaitMs: 5_000,
    pinned: [],
    prewarm: [],
    maxRestarts: 5,
    restartWindowMs: 600_000,
  });
  deepEqual(waiting, { commentEveryMs: 10_000, hasNotes: false });
  deepEqual([hasResumedStreams, coordinators, coordinator.minContextSize], [false, [], undefined]);
  deepEqual([limits.queueCount, limits.queueWaitMs, timeouts.stallMs], [512, 600_000, 30_000]);
});

Deno.test("every key of the pool, of waiting and of the queue can be set", () => {
  const { pool, waiting, hasResumedStreams, coordinator, limits, timeouts } = configOf(`
pool:
  max_coordinators: 2
  idle_ttl: 1h
  min_residency: 20s
  swap_wait: 0
  pinned: [llama3.2, "qwen2.5:7b"]
  prewarm: ["qwen2.5:7b", llama3.2]
  max_restarts: 0
  restart_window: 90s
waiting: {comment_every: 3s, notes: true}
resume_streams: true
limits: {queue: 7}
coordinator: {context_size: 8192, min_context_size: 8192}
timeouts: {stall: 2m}`);
  deepEqual(pool, {
    maxCoordinators: 2,
    idleTtlMs: 3_600_000,
    minResidencyMs: 20_000,
    swapWaitMs: 0,
    pinned: ["llama3.2", "qwen2.5:7b"],
    prewarm: ["qwen2.5:7b", "llama3.2"],
    maxRestarts: 0,
    restartWindowMs: 90_000,
  });
  deepEqual(waiting, { commentEveryMs: 3_000, hasNotes: true });
  deepEqual([hasResumedStreams, coordinator.minContextSize], [true, 8192]);
  deepEqual([limits.queueCount, timeouts.stallMs], [7, 120_000]);
});

Deno.test("the pool can be set by the environment", () => {
  const { pool, coordinators } = mergeConfig({
    env: {
      SOLLOL_POOL_PINNED: "a,b",
      SOLLOL_POOL_IDLE_TTL: "-1",
      SOLLOL_COORDINATORS: "http://x:1,unix:/run/y.sock",
    },
  }).config;
  deepEqual([pool.pinned, pool.idleTtlMs], [["a", "b"], Infinity]);
  deepEqual(coordinators.map(({ url }) => url), ["http://x:1", "unix:/run/y.sock"]);
});

for (
  const [said, wantMs] of [["0", 0], ["-1", Infinity], ["-5m", Infinity], ["45", 45_000], ["90d", Infinity]]
) {
  Deno.test(`pool.idle_ttl takes ${said} as Ollama's keep_alive does`, () => {
    equal(configOf(`pool: {idle_ttl: ${said}}`).pool.idleTtlMs, wantMs);
  });
}

Deno.test("a model that is pinned or prewarmed twice counts once, where it was said first", () => {
  const { pinned, prewarm } = configOf("pool: {pinned: [a, b, a], prewarm: [c, c, a]}").pool;
  deepEqual({ pinned, prewarm }, { pinned: ["a", "b"], prewarm: ["c", "a"] });
});

Deno.test("coordinators that already run are listed by URL, or with a key and a model, which stay together", () => {
  const { coordinators, coordinatorUrl } = configOf(`
coordinator_url: http://a:8080
coordinators: ["HTTPS://B/v/", {url: "http://c", api_key: hush, model: llama3.2}]`);
  equal(coordinatorUrl, "http://a:8080");
  deepEqual(coordinators.map(({ url, model }) => ({ url, model })), [
    { url: "https://b:443/v", model: undefined },
    { url: "http://c:80", model: "llama3.2" },
  ]);
  deepEqual(coordinators.map(({ apiKey }) => apiKey?.reveal()), [undefined, ["hush"]]);
  doesNotMatch(JSON.stringify(coordinators) + Deno.inspect(coordinators), /hush/);
});

const REFUSED = [
  ["pool: {max_coordinators: 0}", "pool.max_coordinators must be at least 1, got 0"],
  ["pool: {max_coordinators: 65}", "pool.max_coordinators must be at most 64, got 65"],
  [
    "pool: {idle_ttl: soon}",
    'pool.idle_ttl: "soon" is no keep_alive; write for example "10m", 300, 0 (unload) or -1 (for ever)',
  ],
  ["pool: {idle_ttl: true}", "pool.idle_ttl must be text, got true"],
  [
    "pool: {min_residency: -1s}",
    'pool.min_residency: "-1s" is not a duration; write for example "30s", "10m" or "1h30m"',
  ],
  ["pool: {min_residency: 30d}", 'pool.min_residency must be between 0ms and 24d, got "30d"'],
  ["pool: {swap_wait: [5s]}", "pool.swap_wait must be text, got a list"],
  ["pool: {pinned: llama3.2}", 'pool.pinned must be a list, got "llama3.2"'],
  ["pool: {prewarm: [a, ' ']}", "pool.prewarm[1] must not be empty"],
  ["pool: {max_restarts: -1}", "pool.max_restarts must be at least 0, got -1"],
  ["pool: {max_restarts: 1.5}", "pool.max_restarts must be a whole number, got 1.5"],
  ["pool: {restart_window: 0}", 'pool.restart_window must be between 1ms and 24d, got "0"'],
  ["pool: {pin: [a]}", 'unknown key "pool.pin"; did you mean "pool.pinned"?'],
  ["prewarm: [a]", 'unknown key "prewarm"; did you mean "pool.prewarm"?'],
  ["waiting: {comment_every: 0s}", 'waiting.comment_every must be between 1ms and 24d, got "0s"'],
  ["waiting: {notes: perhaps}", 'waiting.notes must be true or false, got "perhaps"'],
  ["resume_streams: 1", "resume_streams must be true or false, got 1"],
  ["limits: {queue: 0}", "limits.queue must be at least 1, got 0"],
  ["limits: {queue: 1e9}", "limits.queue must be at most 100000, got 1000000000"],
  ["timeouts: {stall: 0}", 'timeouts.stall must be between 1ms and 24d, got "0"'],
  ["coordinator: {min_context_size: 1}", "coordinator.min_context_size must be at least 64, got 1"],
  [
    "coordinator: {min_context_size: 8192, context_size: 4096}",
    "coordinator.min_context_size must be at most context_size (4096), got 8192",
  ],
  ["coordinators: http://a", 'coordinators must be a list, got "http://a"'],
  ["coordinators: 'http://ada:hunter2@a'", 'coordinators must be a list, got "http://***@a"'],
  ["origins: http://a", 'origins must be a list, got "http://a"'],
  [
    "origins: ['http://a/chat']",
    'origins[0]: "http://a/chat" is no origin; write scheme, host and port and no path, such as "http://chat.home:3000"',
  ],
  [`api_keys: [${"k".repeat(255)}]`, "api_keys[0] must have at most 254 characters, got text"],
  ["coordinators: [5]", "coordinators[0] must be a URL or {url, api_key, model}, got 5"],
  ["coordinators: [{url: 'http://a', model: ' '}]", "coordinators[0].model must not be empty"],
  [
    "coordinators: [{url: 'http://a', modle: x}]",
    'unknown key "coordinators[0].modle"; did you mean "coordinators[0].model"?',
  ],
  [
    "coordinators: ['http://ada:hunter2@a']",
    "coordinators[0]: The upstream URL of a holds credentials; configure an API key instead",
  ],
  [
    "coordinators: [{url: 'http://a', api_key: 'hunter 2'}]",
    "coordinators[0].api_key must be printable ASCII without spaces",
  ],
  [
    "coordinators: [{url: 'http://a', api_key: 31337}]",
    "coordinators[0].api_key must be text, got a number or word; put it in quotes",
  ],
  [
    "coordinator_url: http://a:80\ncoordinators: ['http://b', 'HTTP://A/']",
    "coordinators[1]: the llama-server at http://a:80 is coordinator_url already; remove one of them",
  ],
  [
    "coordinators: ['http://a', {url: 'http://a:80', model: x}]",
    "coordinators[1]: the llama-server at http://a:80 is coordinators[0] already; remove one of them",
  ],
] as const;

for (const [text, want] of REFUSED) {
  Deno.test(`the config refuses ${text.replace("\n", ", ")}`, () => {
    throws(() => configOf(text), (error) => {
      deepEqual(
        (error as ConfigError).problems.map((problem) => describeProblem(problem).split(" (file")[0]),
        [want],
      );
      return true;
    });
  });
}
