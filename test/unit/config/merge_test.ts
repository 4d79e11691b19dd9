import fc from "fast-check";
import { deepEqual, doesNotMatch, equal, match, throws } from "node:assert/strict";
import { ConfigError, describeProblem } from "../../../lib/config/config_error.ts";
import { configKeys } from "../../../lib/config/keys.ts";
import { layerOf } from "../../../lib/config/layer.ts";
import { type ConfigSources, mergeConfig } from "../../../lib/config/merge.ts";
import { parseConfigFile } from "../../../lib/config/yaml_file.ts";
import { UNLIMITED } from "../../../lib/rpc/backend.ts";
import { formatEndpoint } from "../../../lib/rpc/endpoint.ts";
import { GIB } from "../../../lib/units.ts";

const FILE = "/etc/sollol/config.yaml";
const file = (text: string) => parseConfigFile(text, FILE);
const flag = (path: string, value: unknown, name: string) =>
  layerOf([{ path, value, source: { kind: "flag", flag: name } }]);

function problems(sources: ConfigSources): string[] {
  let found: string[] = [];
  throws(() => mergeConfig(sources), (error) => {
    found = (error as ConfigError).problems.map(describeProblem);
    return error instanceof ConfigError;
  });
  return found;
}

Deno.test("mergeConfig() needs no source at all", () => {
  const { config, warnings } = mergeConfig({});
  deepEqual(config.listen, { hostname: "127.0.0.1", port: 11_435 });
  equal(config.modelShardingEnabled, true);
  equal(config.taskDistributionEnabled, true);
  equal(config.coordinator.cacheRamBytes, 1024 ** 3);
  equal(config.limits.queueWaitMs, 600_000);
  equal(config.coordinator.loadTimeoutMs, undefined);
  deepEqual(warnings, []);
});

Deno.test("mergeConfig() takes a bare number among the arguments for llama-server, as people write them", () => {
  const { config } = mergeConfig({ file: file("coordinator: {extra_args: [-b, 512, --mlock]}") });
  deepEqual(config.coordinator.extraArgs, ["-b", "512", "--mlock"]);
});

Deno.test("mergeConfig() takes the predecessor's config as it stands", () => {
  const { config } = mergeConfig({
    file: file(`{
  "model": "llama3.1:70b",
  "task_distribution_enabled": false,
  "model_sharding_enabled": true,
  "rpc_backends": [
    {"host": "10.9.66.154", "port": 50052},
    {"host": "10.9.66.48", "port": 50052},
    {"host": "10.9.66.45", "port": 50052},
    {"host": "10.9.66.90", "port": 50052}
  ],
  "coordinator_url": "http://127.0.0.1:18080"
}`),
  });
  equal(config.model, "llama3.1:70b");
  equal(config.taskDistributionEnabled, false);
  equal(config.modelShardingEnabled, true);
  equal(config.coordinatorUrl, "http://127.0.0.1:18080");
  deepEqual(config.rpcBackends.map(({ host, port }) => `${host}:${port}`), [
    "10.9.66.154:50052",
    "10.9.66.48:50052",
    "10.9.66.45:50052",
    "10.9.66.90:50052",
  ]);
});

Deno.test("mergeConfig() lets flags win over environment over file over defaults", () => {
  const sources = {
    file: file("coordinator: {slots: 2, threads: 3, kv_type: q8_0}"),
    env: { SOLLOL_COORDINATOR_SLOTS: "5", SOLLOL_COORDINATOR_THREADS: "6" },
    flags: flag("coordinator.slots", 8, "--slots"),
  };
  const { slots, threads, kvType, transport } = mergeConfig(sources).config.coordinator;
  deepEqual({ slots, threads, kvType, transport }, {
    slots: 8,
    threads: 6,
    kvType: "q8_0",
    transport: "unix",
  });
});

Deno.test("mergeConfig() replaces a list, it does not append to it", () => {
  const { config } = mergeConfig({
    file: file("rpc_backends: [a:1, b:2]"),
    env: { RPC_BACKENDS: "c:3 , d" },
  });
  deepEqual(config.rpcBackends.map(formatEndpoint), ["c:3", "d:50052"]);
});

Deno.test("mergeConfig() counts an rpc backend once however often and however it is spelled", () => {
  const { config, warnings } = mergeConfig({
    file: file("rpc_backends: [GPU1:50052, {host: gpu1}, gpu2, {host: gpu1, port: 50052}]"),
  });
  deepEqual(config.rpcBackends.map(formatEndpoint), ["gpu1:50052", "gpu2:50052"]);
  deepEqual(warnings, ["rpc backend gpu1:50052 is listed 3 times; it counts once"]);
});

Deno.test("mergeConfig() reads what of an rpc backend may be used", () => {
  const { config } = mergeConfig({
    file: file("rpc_backends: [{host: a, memory: 15GiB, bandwidth: 110MB}, {host: b, exclude: true}, c]"),
  });
  deepEqual(config.rpcBackends.map(({ limits }) => limits), [
    { memoryLimitBytes: 15 * GIB, isExcluded: false, bytesPerSecond: 110e6 },
    { memoryLimitBytes: undefined, isExcluded: true, bytesPerSecond: undefined },
    UNLIMITED,
  ]);
});

Deno.test("mergeConfig() shows neither the password in redis_url nor the worker's token", () => {
  const { config } = mergeConfig({
    file: file("redis_url: redis://:hush@10.0.0.1:6379/2\nworker_token: quiet"),
  });
  equal(config.redis?.reveal()?.password, "hush");
  deepEqual(config.workerToken?.reveal(), ["quiet"]);
  doesNotMatch(JSON.stringify(config) + Deno.inspect(config), /hush|quiet/);
  const [refused] = problems({ file: file("redis_url: http://:hush@h") });
  doesNotMatch(refused!, /hush/);
  match(refused!, /redis_url: Cannot use the URL of Redis: its scheme is not redis/);
});

Deno.test("mergeConfig() knows whether the operator chose the context size, even if it is the default", () => {
  const unset = mergeConfig({}).config.coordinator;
  const set = mergeConfig({ file: file("coordinator: {context_size: 4096}") }).config.coordinator;
  deepEqual([unset.contextSize, unset.isContextSizeSet], [4096, false]);
  deepEqual([set.contextSize, set.isContextSizeSet], [4096, true]);
});

Deno.test("mergeConfig() finds the state and log directories from what is said", () => {
  for (
    const { env, said, stateDir, logDir } of [
      { env: {}, said: "", stateDir: "/var/lib/sollol", logDir: "/var/lib/sollol/logs" },
      {
        env: { HOME: "/h" },
        said: "",
        stateDir: "/h/.local/state/sollol",
        logDir: "/h/.local/state/sollol/logs",
      },
      { env: { STATE_DIRECTORY: "/s:/t", HOME: "/h" }, said: "", stateDir: "/s", logDir: "/s/logs" },
      { env: { STATE_DIRECTORY: "/s" }, said: "state_dir: /d", stateDir: "/d", logDir: "/d/logs" },
      {
        env: { HOME: "/h" },
        said: "coordinator: {log_dir: ~/l}\nstate_dir: /d",
        stateDir: "/d",
        logDir: "/h/l",
      },
    ]
  ) {
    const { config } = mergeConfig({ env, file: file(said) });
    deepEqual([config.stateDir, config.coordinator.logDir], [stateDir, logDir]);
  }
});

Deno.test("mergeConfig() takes relative paths of a file from that file's directory, bare programs from PATH", () => {
  const { config } = mergeConfig({
    file: file(
      "models: [m, ./x.gguf, ~/y, /z]\nllama_cpp: {llama_server: llama-server, rpc_server: bin/rpc}",
    ),
    env: { HOME: "/home/ada" },
  });
  deepEqual(config.models, ["/etc/sollol/m", "/etc/sollol/x.gguf", "/home/ada/y", "/z"]);
  equal(config.llamaCpp.llamaServer, "llama-server");
  equal(config.llamaCpp.rpcServer, "/etc/sollol/bin/rpc");
  deepEqual(mergeConfig({ env: { SOLLOL_MODELS: "m,~/n", HOME: "/h" } }).config.models, ["m", "/h/n"]);
});

Deno.test("mergeConfig() tells everything that is wrong at once, each with its source", () => {
  deepEqual(
    problems({
      file: file("listn: 1\ncoordinator:\n  slots: 0\n  kv_type: q9\nlog: loud\n"),
      env: { SOLLOL_METRICS: "maybe", RPC_BACKENDS: "a:1,::1" },
      flags: flag("limits.body", "lots", "--set"),
    }),
    [
      'rpc_backends[1]: Cannot use "::1" as the endpoint of an rpc backend: llama.cpp\'s rpc client is IPv4 only; ' +
      "write an IPv4 address or a host name that has one (environment RPC_BACKENDS)",
      `coordinator.slots must be at least 1, got 0 (file ${FILE}, line 3)`,
      'coordinator.kv_type must be one of f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0, iq4_nl, got "q9" ' +
      `(file ${FILE}, line 4)`,
      'limits.body: "lots" is not a size; write for example "512MiB", "24GiB" or "10GB" (flag --set)',
      `log must be a section of keys and values, got "loud" (file ${FILE}, line 5)`,
      'metrics must be true or false, got "maybe" (environment SOLLOL_METRICS)',
      `unknown key "listn"; did you mean "listen"? (file ${FILE}, line 1)`,
    ],
  );
});

for (
  const { name, text, want } of [
    {
      name: "in the wrong section",
      text: "slots: 3",
      want: 'unknown key "slots"; did you mean "nodes.slots" or "coordinator.slots"?',
    },
    {
      name: "misspelled inside a section",
      text: "timeouts:\n  conect: 1s",
      want: 'unknown key "timeouts.conect"; did you mean "timeouts.connect"?',
    },
    {
      name: "misspelled inside an element of a list",
      text: "rpc_backends:\n  - {host: a, prt: 1}",
      want: 'unknown key "rpc_backends[0].prt"; did you mean "rpc_backends[0].port"?',
    },
    { name: "like nothing we know", text: "zzzzzzzzzz: 3", want: 'unknown key "zzzzzzzzzz"' },
    {
      name: "that would poison a prototype",
      text: "__proto__: {listen: 1}",
      want: 'unknown key "__proto__"',
    },
  ]
) {
  Deno.test(`mergeConfig() refuses a key ${name}`, () => {
    const [problem, ...others] = problems({ file: file(text) });
    equal(problem?.split(" (file")[0], want);
    deepEqual(others, []);
  });
}

for (
  const { key, value, want } of [
    { key: "listen", value: "example.org", want: /^listen: "example.org" is no address to listen on/ },
    { key: "listen", value: "::1", want: /^listen: / },
    {
      key: "coordinator_url",
      value: "ftp://x",
      want: /^coordinator_url: "ftp:\/\/x" is not an upstream URL; write/,
    },
    {
      key: "coordinator_url",
      value: "http://x/?a=1",
      want: /^coordinator_url: .* has a query or a fragment; write/,
    },
    {
      key: "coordinator_url",
      value: "http://a:b@x",
      want: /^coordinator_url: .* holds credentials; configure/,
    },
    {
      key: "coordinator_url",
      value: "unix:llama.sock",
      want: /^coordinator_url: .* has no absolute path; write/,
    },
    {
      key: "rpc_backends",
      value: [5],
      want: /^rpc_backends\[0\] must be "host:port" or \{host, port\}, got 5/,
    },
    {
      key: "rpc_backends",
      value: [{ host: "a", port: 70_000 }],
      want: /^rpc_backends\[0\]\.port must be at most 65535/,
    },
    { key: "timeouts.connect", value: "0s", want: /^timeouts.connect must be between 1ms and 24d, got "0s"/ },
    {
      key: "timeouts.connect",
      value: "30d",
      want: /^timeouts.connect must be between 1ms and 24d, got "30d"/,
    },
    { key: "timeouts.connect", value: ["2s"], want: /^timeouts.connect must be text, got a list/ },
    { key: "coordinator.slots", value: 1.5, want: /^coordinator.slots must be a whole number, got 1.5/ },
    { key: "coordinator.log_max", value: "1k", want: /^coordinator.log_max must be at least 4096 bytes/ },
    {
      key: "coordinator.extra_args",
      value: ["--temp", "0", "-c", "99"],
      want:
        /^coordinator\.extra_args: Cannot pass "-c" on to llama-server: the gateway sets it itself; remove it/,
    },
    { key: "model", value: " ", want: /^model must not be empty/ },
    { key: "model", value: 7, want: /^model must be text, got 7/ },
  ]
) {
  Deno.test(`mergeConfig() refuses ${key} = ${JSON.stringify(value)}`, () => {
    const [problem = ""] = problems({ flags: flag(key, value, "--set") });
    equal(want.test(problem), true, problem);
  });
}

Deno.test("mergeConfig() never repeats a secret that it refuses", () => {
  const found = problems({ file: file("api_keys: [hunter 2, 31337, [deep]]") }).join("\n");
  equal(found.split("\n").length, 3);
  equal(/hunter|31337|deep/.test(found), false, found);
});

for (
  const url of [
    "http://ada:hunter2@host:1/base",
    "http://hunter2@host",
    "ftp://ada:hunter2@host",
    "http://ada:hunter2@ho st",
    "http://ada:p/hunter2@host",
    "http://ada:hunter2@host:0",
    "ftp://ada:hunter2@host/$&",
    "http://ada:hunter2@host/?a=1",
    "//ada:hunter2@host",
  ]
) {
  Deno.test(`mergeConfig() refuses ${url} as coordinator_url, but never repeats its password`, () => {
    const [problem = "", ...others] = problems({ file: file(`coordinator_url: "${url}"`) });
    deepEqual(others, []);
    match(problem, /^coordinator_url: /);
    equal(/hunter/.test(problem), false, problem);
  });
}

Deno.test("mergeConfig() takes a coordinator_url by its meaning, not by its spelling", () => {
  const taken = ["HTTP://Host:80/", "https://host/base/", "unix:///run/l.sock", "http://[::1]:8080/a@b"].map(
    (url) => mergeConfig({ file: file(`coordinator_url: "${url}"`) }).config.coordinatorUrl,
  );
  deepEqual(taken, ["http://host:80", "https://host:443/base", "unix:/run/l.sock", "http://[::1]:8080/a@b"]);
});

/** Names that an operator chose may be any text: they stand in brackets, as JSON. */
const SENTENCE =
  /^(unknown key "|[\w.]+(\[\d+\]|\["([^"\\]|\\.)*"\]|\.\w+)*( must | is missing; it must |: ))/;

Deno.test("mergeConfig() has a sentence for whatever may stand at whatever key", () => {
  const paths = configKeys().flatMap(({ path }) => [path, path.split(".")[0]!, `${path}.more`]);
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom("5", "1GiB", "10s", [""], [{ host: "a" }], "a:1", "~/"),
  );
  fc.assert(
    fc.property(fc.constantFrom(...paths), value, (path, value) => {
      try {
        mergeConfig({ flags: flag(path, value, "--set"), env: { HOME: "/h" } });
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        for (const { message } of error.problems) match(message, SENTENCE);
      }
    }),
    { numRuns: 500 },
  );
});
