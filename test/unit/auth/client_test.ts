import { equal } from "node:assert/strict";
import { allowedPriority } from "../../../lib/auth/client.ts";
import { clientKeysOf } from "../../../lib/auth/client_key.ts";
import { configOf } from "../../fixtures/config_changes.ts";

for (
  const { most, asked, want } of [
    { most: undefined, asked: undefined, want: undefined },
    { most: undefined, asked: 10, want: 10 },
    { most: 3, asked: undefined, want: 3 },
    { most: 8, asked: undefined, want: 5 },
    { most: 3, asked: 10, want: 3 },
    { most: 3, asked: 1, want: 1 },
    { most: 0, asked: 7, want: 0 },
  ]
) {
  Deno.test(`of a key for at most priority ${most} a request for ${asked} gets ${want}`, () => {
    const limit = most === undefined ? {} : { max_priority: most };
    const [key] = clientKeysOf(configOf({ "auth.keys": [{ name: "k", key: "k", ...limit }] }));
    equal(allowedPriority({ key }, asked), want);
  });
}

Deno.test("nobody's priority is lowered who shows no key", () => {
  equal(allowedPriority({ key: undefined }, 10), 10);
  equal(allowedPriority(undefined, 10), 10);
});
