import { equal, throws } from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../../../routes/app_env.ts";
import { KeyRing } from "../../../../routes/middleware/authenticate.ts";

/** Whether the ring admits a request with this key. */
async function admits(ring: KeyRing, key?: string): Promise<boolean> {
  const app = new Hono<AppEnv>().get("/", (c) => c.json(ring.admits(c)));
  const response = await app.request("/", key === undefined ? {} : { headers: { "x-api-key": key } });
  if (response.status !== 200) throw new Error(await response.text());
  return await response.json();
}

const LONG = "k".repeat(255);

Deno.test("a ring of keys that change admits those of the moment", async () => {
  let keys: readonly string[] = ["old"];
  const ring = new KeyRing(() => keys);
  equal(await admits(ring, "old"), true);
  keys = ["new", "newer"];
  equal(await admits(ring, "old"), false);
  equal(await admits(ring, "new"), true);
  equal(await admits(ring, "newer"), true);
  keys = [];
  equal(await admits(ring), true, "no keys: everybody");
  keys = ["last"];
  equal(await admits(ring), false);
  equal(await admits(ring, "last"), true);
});

Deno.test("a key that is too long is refused from the start, and later lets nobody in", async () => {
  throws(() => new KeyRing([LONG]), /An API key is longer than 254 bytes/);
  throws(() => new KeyRing(() => [LONG]), /An API key is longer than 254 bytes/);
  let keys = ["old"];
  const ring = new KeyRing(() => keys);
  keys = [LONG];
  for (const key of [undefined, "old", LONG]) {
    const app = new Hono<AppEnv>().get("/", (c) => c.json(ring.admits(c)));
    app.onError((error, c) => c.text(error.message, 500));
    equal(
      (await app.request("/", key === undefined ? {} : { headers: { "x-api-key": key } })).status,
      500,
      key,
    );
  }
});
