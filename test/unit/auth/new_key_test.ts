import { equal, match, notEqual } from "node:assert/strict";
import { hashText, newKey } from "../../../lib/auth/new_key.ts";
import { sha256Of } from "../../../lib/auth/secret_digest.ts";

Deno.test("newKey() tells a key of 256 bits, and its hash as the config takes it", () => {
  const { secret, hash } = newKey((bytes) => void bytes.fill(0xff));
  equal(secret, `sk-sollol-${"_".repeat(42)}8`);
  equal(hash, `sha256:${sha256Of(secret)}`);
  equal(hashText(secret), hash);
});

Deno.test("newKey() is another one for other bytes, and always as long", () => {
  const keys = [0, 1, 255].map((byte) => newKey((bytes) => void bytes.set([byte], bytes.length - 1)).secret);
  for (const key of keys) match(key, /^sk-sollol-[\w-]{43}$/);
  notEqual(keys[0], keys[1]);
});
