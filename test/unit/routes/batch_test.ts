import { deepEqual, equal } from "node:assert/strict";
import { Hono } from "hono";
import { ClientLimits } from "../../../lib/auth/client_limits.ts";
import { clientKeysOf } from "../../../lib/auth/client_key.ts";
import type { BatchService } from "../../../lib/tasks/batch.ts";
import type { AppEnv } from "../../../routes/app_env.ts";
import { manyRoutes } from "../../../routes/batch.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { configOf } from "../../fixtures/config_changes.ts";

/** Asks for five at once with a key for three at a time. */
async function askFive(limits: ClientLimits, runNow: BatchService["runNow"]): Promise<void> {
  const [key] = clientKeysOf(configOf({ "auth.keys": [{ name: "k", key: "k", concurrency: 3 }] }));
  const client = { key, hasUnknownKey: false, address: undefined, scopes: key!.scopes, access: undefined };
  const app = new Hono<AppEnv>();
  app.use((c, next) => (c.set("client", client), next()));
  const { signal: closing } = new AbortController();
  const clock = new FakeClock();
  app.route("/", manyRoutes({ runNow }, { maxBodyBytes: () => 10_000, limits, closing, clock }));
  const requests = Array(5).fill({ type: "embed", model: "m", input: "a" });
  const headers = { "content-type": "application/json" };
  await app.request("/batch", { method: "POST", headers, body: JSON.stringify({ requests }) });
}

Deno.test("of several requests as many are under way at a time as their key has places, all given back at the end", async () => {
  const limits = new ClientLimits({
    config: { limits: { clientConcurrency: undefined, clientRequestsPerMinute: undefined } },
    clock: new FakeClock(),
  });
  const given: (number | undefined)[] = [];
  const nobody: BatchService["runNow"] = (_requests, { concurrency }) => {
    given.push(concurrency);
    return ReadableStream.from<never>([]);
  };
  for (let at = 0; at < 3; at++) await askFive(limits, nobody);
  deepEqual(given, [3, 3, 3]);
  equal(limits.rememberedCount, 1);
});
