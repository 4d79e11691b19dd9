import { deepEqual, doesNotMatch, equal, match, throws } from "node:assert/strict";
import { type ConfigError, describeProblem } from "../../../lib/config/config_error.ts";
import { describeConfig } from "../../../lib/config/describe.ts";
import { childrenOf, configKeys } from "../../../lib/config/keys.ts";
import { type ConfigSources, mergeConfig } from "../../../lib/config/merge.ts";
import { parseConfigFile } from "../../../lib/config/yaml_file.ts";
import { GIB } from "../../../lib/units.ts";

const file = (text: string) => parseConfigFile(text, "/c");
const configOf = (text: string) => mergeConfig({ file: file(text) }).config;

function problemsOf(sources: ConfigSources): string[] {
  let found: string[] = [];
  throws(() => mergeConfig(sources), (error) => {
    found = (error as ConfigError).problems.map(describeProblem);
    return true;
  });
  return found;
}

Deno.test("nodes, routing and batches have the defaults that are described", () => {
  const config = configOf("");
  deepEqual(config.ollamaNodes, []);
  deepEqual(config.nodes, {
    policy: "auto",
    isLocalFound: true,
    slotCount: 4,
    checkEveryMs: 5_000,
    affinityMargin: 2,
    embeddingBatch: 64,
    hedgeAfterMs: undefined,
    wakeMs: 120_000,
    hidesUnavailable: false,
  });
  deepEqual(config.batch, { concurrency: 8, retryCount: 3, fileBytes: 200 * 1024 ** 2, keepMs: 604_800_000 });
  deepEqual([config.shardAboveBytes, config.distributedThresholdParams], [undefined, undefined]);
  for (const map of [config.modelProfiles, config.aliases, config.fallbacks]) deepEqual(Object.keys(map), []);
  equal(config.timeouts.firstByteMs, 900_000);
});

Deno.test("every key of nodes, routing and batches can be set", () => {
  const config = configOf(`
nodes:
  policy: least_busy
  local: false
  slots: 2
  check_every: 100ms
  affinity_margin: 0
  embedding_batch: 16
  hedge_embeddings: 200ms
  wake_timeout: 90s
  hide_unavailable: true
shard_above: 16GiB
distributed_threshold_params: 30
batch: {concurrency: 1, retries: 0, max_file: 1MiB, keep: 1h}
timeouts: {first_byte: 1m}`);
  deepEqual(config.nodes, {
    policy: "least_busy",
    isLocalFound: false,
    slotCount: 2,
    checkEveryMs: 100,
    affinityMargin: 0,
    embeddingBatch: 16,
    hedgeAfterMs: 200,
    wakeMs: 90_000,
    hidesUnavailable: true,
  });
  deepEqual(config.batch, { concurrency: 1, retryCount: 0, fileBytes: 1024 ** 2, keepMs: 3_600_000 });
  deepEqual([config.shardAboveBytes, config.distributedThresholdParams], [16 * GIB, 30]);
  equal(config.timeouts.firstByteMs, 60_000);
});

Deno.test("a node is a host or a URL, or all that is said of it", () => {
  const { ollamaNodes: [bare, whole] } = configOf(`
ollama_nodes:
  - shelf.lan
  - url: HTTPS://Proxy.lan/ollama/
    name: proxy
    slots: 2
    weight: 1.5
    tags: [gpu, big]
    models: ["llama3*"]
    memory: 24GiB
    api_key: hush
    wake: {mac: AA-BB-CC-DD-EE-FF, broadcast: 192.168.1.255, port: 7}`);
  deepEqual(bare, {
    url: "http://shelf.lan:11434",
    name: undefined,
    slotCount: undefined,
    weight: undefined,
    tags: undefined,
    models: undefined,
    memoryBytes: undefined,
    apiKey: undefined,
    wake: undefined,
  });
  const { apiKey, ...rest } = whole!;
  deepEqual(rest, {
    url: "https://proxy.lan:443/ollama",
    name: "proxy",
    slotCount: 2,
    weight: 1.5,
    tags: ["gpu", "big"],
    models: ["llama3*"],
    memoryBytes: 24 * GIB,
    wake: { mac: "aa:bb:cc:dd:ee:ff", broadcast: "192.168.1.255", port: 7 },
  });
  deepEqual(apiKey?.reveal(), ["hush"]);
  doesNotMatch(JSON.stringify(whole) + Deno.inspect(whole), /hush/);
});

Deno.test("what is said of a model stands below its name, whatever that is", () => {
  const { modelProfiles, aliases, fallbacks } = configOf(`
model_profiles:
  "llama3.1:70b": {parameter_count: 70, estimated_memory_gb: 40, requires_distributed: true, route: sharded}
  mixtral: {}
aliases: {"gpt-4": "llama3.1:70b", 7: mixtral}
fallbacks: {"llama3.1:70b": [mixtral, phi3]}`);
  deepEqual(modelProfiles["llama3.1:70b"], {
    parameterCount: 70,
    memoryBytes: 40e9,
    requiresDistributed: true,
    route: "sharded",
  });
  equal(modelProfiles["mixtral"]?.requiresDistributed, false);
  deepEqual({ ...aliases }, { "gpt-4": "llama3.1:70b", 7: "mixtral" });
  deepEqual(fallbacks["llama3.1:70b"], ["mixtral", "phi3"]);
});

Deno.test("names that clients ask for find nothing that nobody said", () => {
  const { modelProfiles, aliases, fallbacks } = configOf("aliases: {constructor: a, toString: constructor2}");
  for (const name of ["constructor", "__proto__", "hasOwnProperty"]) {
    equal(modelProfiles[name], undefined);
    equal(fallbacks[name], undefined);
  }
  deepEqual([aliases["constructor"], aliases["valueOf"]], ["a", undefined]);
});

Deno.test("nodes come from variables: theirs, and ours, which wins", () => {
  const urls = (env: Record<string, string>) => mergeConfig({ env }).config.ollamaNodes.map(({ url }) => url);
  deepEqual(urls({ OLLAMA_NODES: "a, b:1,,https://c" }), [
    "http://a:11434",
    "http://b:1",
    "https://c:443",
  ]);
  deepEqual(urls({ OLLAMA_NODES: "a", SOLLOL_OLLAMA_NODES: "b" }), ["http://b:11434"]);
  deepEqual(urls({ OLLAMA_NODES: " " }), []);
});

Deno.test("maps are written as JSON where they are one text, and replace those of the file", () => {
  const { config, said } = mergeConfig({
    file: file("aliases: {a: b}\nmodel_profiles: {m: {route: node}}"),
    env: { SOLLOL_ALIASES: '{"x:1": "y"}', SOLLOL_FALLBACKS: '{"x": ["y", "z"]}' },
  });
  deepEqual({ ...config.aliases }, { "x:1": "y" });
  deepEqual({ ...config.fallbacks }, { x: ["y", "z"] });
  equal(config.modelProfiles["m"]?.route, "node");
  const row = (key: string) => describeConfig({ config, said, warnings: [] }).find((row) => row.key === key);
  deepEqual(row("aliases"), {
    key: "aliases",
    value: '{"x:1":"y"}',
    source: "environment SOLLOL_ALIASES",
  });
  deepEqual(row("batch.keep"), { key: "batch.keep", value: "7d", source: "default" });
});

Deno.test("the config shows where its nodes are, and none of their keys", () => {
  const loaded = mergeConfig({ file: file("ollama_nodes: [a, {url: b, api_key: hunter2}]") });
  const text = JSON.stringify(describeConfig(loaded));
  doesNotMatch(text, /hunter2/);
  match(text, /"http:\/\/a:11434,http:\/\/b:11434"/);
  equal(describeConfig(mergeConfig({})).find(({ key }) => key === "aliases")?.value, "");
});

Deno.test("configKeys() knows maps, and childrenOf() what stands in them", () => {
  const maps = configKeys().filter(({ kind }) => kind === "map").map(({ path }) => path);
  deepEqual(maps, ["model_profiles", "aliases", "fallbacks"]);
  const profile = ["parameter_count", "estimated_memory_gb", "requires_distributed", "route"];
  deepEqual(childrenOf(["model_profiles", "llama3.1:70b"]), profile);
  deepEqual(childrenOf(["ollama_nodes", 0, "wake"]), ["mac", "broadcast", "port"]);
});

const ADVICE = "name an address of your own network, such as 192.168.1.20";

for (
  const { text, want } of [
    { text: "ollama_nodes: a", want: 'ollama_nodes must be a list, got "a"' },
    { text: "ollama_nodes: [5]", want: "ollama_nodes[0] must be a URL, host[:port] or {url, …}, got 5" },
    {
      text: "ollama_nodes: [{url: a, wieght: 1}]",
      want: 'unknown key "ollama_nodes[0].wieght"; did you mean "ollama_nodes[0].weight"?',
    },
    {
      text: "ollama_nodes: [{url: a, wake: {mac: x}}]",
      want: 'ollama_nodes[0].wake.mac: "x" is no hardware address; write for example aa:bb:cc:dd:ee:ff',
    },
    {
      text: "ollama_nodes: [{url: a, wake: {mac: 'aa:bb:cc:dd:ee:ff', broadcast: gpu.lan}}]",
      want: 'ollama_nodes[0].wake.broadcast: "gpu.lan" is no IPv4 address; write for example 192.168.1.255',
    },
    {
      text: "ollama_nodes: [{url: a, weight: 0}]",
      want: "ollama_nodes[0].weight must be more than 0, got 0",
    },
    { text: "ollama_nodes: [{url: a, slots: 0}]", want: "ollama_nodes[0].slots must be at least 1, got 0" },
    {
      text: "ollama_nodes: [{url: a, name: 'a b'}]",
      want:
        "ollama_nodes[0].name must be letters, digits, _ . -, 63 at most, and begin with a letter or digit",
    },
    {
      text: "ollama_nodes: [{url: a, name: sharded}]",
      want: 'ollama_nodes[0].name must not be "sharded", which x-sollol-route understands otherwise',
    },
    {
      text: "ollama_nodes: [a, 'http://A:11434/']",
      want: "ollama_nodes[1]: the node at http://a:11434 is ollama_nodes[0] already; remove one of them",
    },
    {
      text: "ollama_nodes: [{url: a, name: x}, {url: b, name: x}]",
      want: 'ollama_nodes[1]: the name "x" is that of ollama_nodes[0] already; choose another',
    },
    {
      text: "ollama_nodes: ['http://ada:hunter2@a']",
      want:
        'ollama_nodes[0]: Cannot use "http://***@a" as an Ollama node: it holds credentials; write its key as api_key instead',
    },
    {
      text: "ollama_nodes: ['http://0xa9fea9fe/']",
      want: 'ollama_nodes[0]: Cannot use "http://0xa9fea9fe/" as an Ollama node: it is 169.254.169.254, ' +
        `where a cloud hands out its secrets; ${ADVICE}`,
    },
    {
      text: "rpc_backends: ['169.254.1.1']",
      want:
        'rpc_backends[0]: Cannot use "169.254.1.1" as the endpoint of an rpc backend: it is 169.254.1.1, ' +
        `a link-local address; ${ADVICE}`,
    },
    {
      text: "coordinators: ['http://metadata.google.internal']",
      want: 'coordinators[0]: "http://metadata.google.internal" is metadata.google.internal, ' +
        `where a cloud hands out its secrets; ${ADVICE}`,
    },
    {
      text: "coordinator_url: 'http://[fe80::1]:8080'",
      want: `coordinator_url: "http://[fe80::1]:8080" is fe80::1, a link-local address; ${ADVICE}`,
    },
    {
      text: "nodes: {policy: fast}",
      want: 'nodes.policy must be one of auto, least_busy, round_robin, fastest, got "fast"',
    },
    { text: "nodes: {check_every: 1ms}", want: 'nodes.check_every must be between 100ms and 24d, got "1ms"' },
    { text: "nodes: {slot: 1}", want: 'unknown key "nodes.slot"; did you mean "nodes.slots"?' },
    { text: "ollama_nodes: [{name: x}]", want: "ollama_nodes[0].url is missing; it must be text" },
    { text: "ollama_nodes: [{url: ~}]", want: "ollama_nodes[0].url must be text, got null" },
    {
      text: "ollama_nodes: [{url: a, wake: {}}]",
      want: "ollama_nodes[0].wake.mac is missing; it must be text",
    },
    { text: "rpc_backends: [{port: 1}]", want: "rpc_backends[0].host is missing; it must be text" },
    { text: "shard_above: 0", want: 'shard_above must be at least 1 MiB, got "0"' },
    {
      text: "shard_above: 16",
      want: 'shard_above must be at least 1 MiB, got "16", which is bytes; write for example "16GiB"',
    },
    { text: "shard_above: 16kB", want: 'shard_above must be at least 1 MiB, got "16kB"' },
    { text: "limits: {body: 0}", want: 'limits.body must be at least 1 byte, got "0"' },
    {
      text: "model_profiles: {'llama3:8b': {rout: node}}",
      want:
        'unknown key "model_profiles["llama3:8b"].rout"; did you mean "model_profiles["llama3:8b"].route"?',
    },
    {
      text: "model_profiles: {m: {route: 5}}",
      want: "model_profiles.m.route must be text, got 5",
    },
    {
      text: "model_profiles: {m: big}",
      want: 'model_profiles.m must be a section of keys and values, got "big"',
    },
    { text: "aliases: [a]", want: "aliases must be a section of keys and values, got a list" },
    { text: "aliases: {' ': a}", want: 'aliases[" "] must have a name that is not empty' },
    { text: "aliases: {a: ' '}", want: "aliases.a must not be empty" },
    { text: "aliases: {a: b, b: c}", want: 'aliases.a: "b" is an alias itself; name a model' },
    { text: "aliases: {a: a}", want: 'aliases.a: "a" is the model\'s own name; leave it out' },
    { text: "fallbacks: {a: [b, a]}", want: 'fallbacks.a[1]: "a" is the model itself; name others' },
    {
      text: "{aliases: {x: a}, fallbacks: {a: [x]}}",
      want: 'fallbacks.a[0]: "x" is the model itself; name others',
    },
    { text: "fallbacks: {a: []}", want: "fallbacks.a must have at least 1 element, got a list" },
    { text: "fallbacks: {a: b}", want: 'fallbacks.a must be a list, got "b"' },
    { text: "batch: {retries: -1}", want: "batch.retries must be at least 0, got -1" },
    { text: "batch: {retry: 1}", want: 'unknown key "batch.retry"; did you mean "batch.retries"?' },
  ]
) {
  Deno.test(`the config refuses ${text}`, () => {
    deepEqual(problemsOf({ file: file(text) }).map((line) => line.split(" (file")[0]), [want]);
  });
}

Deno.test("the config names the line of what stands below a name with dots", () => {
  const text = "model_profiles:\n  llama3.1:8b:\n    route: node\n    parameter_count: many";
  deepEqual(problemsOf({ file: file(text) }), [
    'model_profiles["llama3.1:8b"].parameter_count must be a number, got "many" (file /c, line 4)',
  ]);
});

Deno.test("a map that is no JSON is refused with its source", () => {
  deepEqual(problemsOf({ env: { SOLLOL_ALIASES: "a=b" } }), [
    'aliases must be a section of keys and values, got "a=b" (environment SOLLOL_ALIASES)',
  ]);
});

Deno.test("ten thousand nodes are refused, not taken", () => {
  const many = Array.from({ length: 10_000 }, (_, at) => `10.0.${at >> 8}.${at & 255}`).join(",");
  const [problem = ""] = problemsOf({ env: { OLLAMA_NODES: many } });
  match(problem, /^ollama_nodes must have at most 1000 elements, got a list/);
});
