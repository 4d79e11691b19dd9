import { equal, ok } from "node:assert/strict";
import { clientKeysOf } from "../../../lib/auth/client_key.ts";
import { CurrentKeyRing, KeyRing } from "../../../lib/auth/key_ring.ts";
import { LiveConfig } from "../../../lib/config/live_config.ts";
import { configOf } from "../../fixtures/config_changes.ts";

const config = configOf({
  "api_keys": ["first", "second"],
  "worker_token": "token",
  "auth.keys": [
    { name: "plain", key: "third" },
    { name: "hashed", hash: "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03" }, // "hello\n"
    { name: "other", hash: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" }, // "hello"
  ],
});

for (
  const [secret, want] of [
    ["first", "api_keys[0]"],
    ["second", "api_keys[1]"],
    ["token", "worker_token"],
    ["third", "plain"],
    ["hello", "other"],
    ["hello\n", undefined], // no header has it, though its hash is there
    ["", undefined],
    ["firs", undefined],
    ["firstt", undefined],
    ["FIRST", undefined],
    ["sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", undefined],
    ["k".repeat(100_000), undefined],
    ["schlüssel", undefined],
  ] as const
) {
  Deno.test(`the ring finds ${want ?? "nothing"} for ${JSON.stringify(secret.slice(0, 20))}`, () => {
    equal(new KeyRing(clientKeysOf(config)).find(secret)?.name, want);
  });
}

Deno.test("a ring finds each of many keys, those with several secrets by any of them, and no others", () => {
  const keys = Array.from({ length: 100 }, (_, at) => ({ name: `k${at}`, key: `secret-${at}` }));
  const some = clientKeysOf(configOf({ "auth.keys": keys }));
  const ring = new KeyRing([...some.slice(0, 99), {
    ...some[99]!,
    sha256: [...some[99]!.sha256, ...some[0]!.sha256],
  }]);
  for (const { name, key } of keys.slice(1)) equal(ring.find(key)?.name, name);
  equal(ring.find("secret-100"), undefined);
  equal(new KeyRing([]).find("secret-0"), undefined);
});

Deno.test("a ring of keys that change knows those of the moment", () => {
  const live = new LiveConfig(configOf({ api_keys: ["old"] }));
  const ring = new CurrentKeyRing(live.config);
  equal(ring.find("old")?.name, "api_keys[0]");
  live.apply(configOf({ "auth.keys": [{ name: "new", key: "new" }] }));
  equal(ring.find("old"), undefined);
  equal(ring.find("new")?.name, "new");
});

Deno.test("what a ring holds shows no secret", () => {
  const shown = Deno.inspect(clientKeysOf(config), { depth: 10 }) + JSON.stringify(clientKeysOf(config)) +
    Deno.inspect(config, { depth: 10 });
  for (const secret of ["first", "second", "token", "third"]) ok(!shown.includes(`"${secret}"`), secret);
});
