import { deepEqual, doesNotMatch } from "node:assert/strict";
import { diffConfig } from "../../../lib/config/diff.ts";
import { configKeys } from "../../../lib/config/keys.ts";
import { configOf, configWithOther, OTHER_VALUES } from "../../fixtures/config_changes.ts";

const keysOf = (...pair: Parameters<typeof diffConfig>) => diffConfig(...pair).map(({ key }) => key);

/** What is said in one place and follows from there. */
const FOLLOWERS: Readonly<Record<string, readonly string[]>> = { "state_dir": ["coordinator.log_dir"] };

for (const { path } of configKeys()) {
  Deno.test(`diffConfig() sees a change of ${path}, there and back, and no other`, () => {
    const [usual, other] = [configOf(), configWithOther(path)];
    const want = [...FOLLOWERS[path] ?? [], path];
    deepEqual(keysOf(usual, other), want);
    deepEqual(keysOf(other, usual), want);
    deepEqual(keysOf(other, configWithOther(path)), []);
  });
}

for (
  const { name, before, after, want } of [
    { name: "nothing where the same is said in other words", before: "10m", after: "600s", want: [] },
    { name: "a change that looks small", before: "10m", after: "601s", want: ["pool.idle_ttl"] },
  ]
) {
  Deno.test(`diffConfig() sees ${name}`, () => {
    const [first, second] = [before, after].map((ttl) => configOf({ "pool.idle_ttl": ttl }));
    deepEqual(keysOf(first!, second!), want);
  });
}

for (
  const { key, before, after } of [
    { key: "api_keys", before: ["hunter2"], after: ["hunter3"] },
    { key: "worker_token", before: "hunter2", after: "hunter3" },
    { key: "redis_url", before: "redis://:hunter2@a", after: "redis://:hunter3@a" },
    {
      key: "coordinators",
      before: [{ url: "http://a:1", api_key: "hunter2" }],
      after: [{ url: "http://a:1", api_key: "hunter3" }],
    },
    { key: "coordinator.extra_args", before: ["--hf-token", "hunter2"], after: ["--hf-token", "hunter3"] },
  ]
) {
  Deno.test(`diffConfig() sees another secret in ${key}, and does not tell it`, () => {
    const diff = diffConfig(configOf({ [key]: before }), configOf({ [key]: after }));
    deepEqual(diff.map(({ key }) => key), [key]);
    doesNotMatch(JSON.stringify(diff), /hunter/);
  });
}

Deno.test("diffConfig() sees that the operator chose the context that is the default", () => {
  deepEqual(keysOf(configOf(), configOf({ "coordinator.context_size": 4096 })), ["coordinator.context_size"]);
});

Deno.test("diffConfig() sees other limits of the same backend, and another order of layers", () => {
  const limited = configOf({ rpc_backends: [{ host: "a", memory: "1GiB" }] });
  deepEqual(keysOf(configOf({ rpc_backends: ["a"] }), limited), ["rpc_backends"]);
  const [forth, back] = ["a=1,b=1", "b=1,a=1"].map((layers) => configOf({ "coordinator.placement": layers }));
  deepEqual(keysOf(forth!, back!), ["coordinator.placement"]);
});

Deno.test("diffConfig() tells all changes, in the order of the tree", () => {
  deepEqual(keysOf(configOf(), configOf(OTHER_VALUES)), configKeys().map(({ path }) => path));
});
