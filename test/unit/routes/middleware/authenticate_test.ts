import { equal } from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../../../routes/app_env.ts";
import { clientOf, identifyClient } from "../../../../routes/middleware/authenticate.ts";
import { clientAccess } from "../../../fixtures/client_access.ts";

/** Whom a gateway with one key takes the sender of these headers for. */
async function taken(headers: Record<string, string>): Promise<string> {
  using access = clientAccess({ "auth.keys": [{ name: "chat", key: "k:1" }] });
  const app = new Hono<AppEnv>().use(identifyClient(access)).get("/", (c) => {
    const { key, hasUnknownKey } = clientOf(c);
    return c.text(key?.name ?? (hasUnknownKey ? "unknown" : "nobody"));
  });
  return await (await app.request("/", { headers })).text();
}

for (
  const { name, headers, want } of [
    { name: "Bearer", headers: { authorization: "Bearer k:1" }, want: "chat" },
    {
      name: "Bearer in any case, with more spaces",
      headers: { authorization: "bEARER   k:1" },
      want: "chat",
    },
    { name: "x-api-key", headers: { "x-api-key": "k:1" }, want: "chat" },
    {
      name: "x-api-key before Bearer",
      headers: { "x-api-key": "k:1", authorization: "Bearer x" },
      want: "chat",
    },
    { name: "Basic", headers: { authorization: `Basic ${btoa("anybody:k:1")}` }, want: "chat" },
    { name: "Basic without a user", headers: { authorization: `basic ${btoa(":k:1")}` }, want: "chat" },
    {
      name: "Basic with the key as its user",
      headers: { authorization: `Basic ${btoa("k:1:")}` },
      want: "unknown",
    },
    {
      name: "Basic without a password",
      headers: { authorization: `Basic ${btoa("user")}` },
      want: "unknown",
    },
    { name: "Basic that is no base64", headers: { authorization: "Basic %%%" }, want: "unknown" },
    { name: "a wrong key", headers: { authorization: "Bearer k:2" }, want: "unknown" },
    { name: "two keys", headers: { authorization: "Bearer k:1, Bearer k:1" }, want: "unknown" },
    { name: "an empty x-api-key", headers: { "x-api-key": "" }, want: "nobody" },
    {
      name: "a key behind an empty x-api-key",
      headers: { "x-api-key": "", authorization: "Bearer k:1" },
      want: "chat",
    },
    { name: "nothing behind Bearer", headers: { authorization: "Bearer " }, want: "nobody" },
    { name: "another scheme", headers: { authorization: "Digest k:1" }, want: "nobody" },
    { name: "a key without a scheme", headers: { authorization: "k:1" }, want: "nobody" },
    { name: "nothing", headers: {}, want: "nobody" },
  ]
) {
  Deno.test(`who shows ${name} is taken for ${want}`, async () => equal(await taken(headers), want));
}
