import { equal, match } from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../../../routes/app_env.ts";
import { identifyClient } from "../../../../routes/middleware/authenticate.ts";
import { admitHosts, admitHostsWithoutKey } from "../../../../routes/middleware/hosts.ts";
import { clientAccess } from "../../../fixtures/client_access.ts";

/** Asks a gateway for each host in turn. */
function asker({ origins = [] as string[], listensAs = "127.0.0.1" } = {}) {
  const settings = { listensAs: () => listensAs, origins: () => origins };
  const app = new Hono<AppEnv>().use(admitHosts(settings)).get("/", (c) => c.text("in"));
  app.onError((error, c) => c.text(error.message, 403));
  return async (host?: string) => {
    const response = await app.request("/", host === undefined ? {} : { headers: { host } });
    return await response.text();
  };
}

for (
  const { name, hosts, isIn, ...settings } of [
    {
      name: "addresses and names that no site can have are let in",
      hosts: [
        undefined,
        "",
        "localhost:11435",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1:11435",
        "10.0.0.7",
        "[::1]:11435",
        "gpubox",
        "host.docker.internal:11435",
        "gpubox.local",
        "gpubox.lan:80",
        "gateway.home.arpa",
        "a.localhost",
      ],
      isIn: true,
    },
    {
      name: "names of sites are refused",
      hosts: [
        "evil.example",
        "evil.example:11435",
        "evil.example.",
        "127.0.0.1.evil.example",
        "localhost.evil.example:11435",
        "local.evil",
        "evillocal.x",
        "a b.c",
        "evil.example/.local",
        "evil.example#.local",
        "x@evil.example",
      ],
      isIn: false,
    },
    {
      name: "hosts of allowed origins are let in",
      origins: ["https://llm.example.org", "http://*.example.net:*"],
      hosts: ["llm.example.org", "a.example.net:8080"],
      isIn: true,
    },
    {
      name: "others are not",
      origins: ["https://llm.example.org"],
      hosts: ["llm.example.org:11435", "evil.example"],
      isIn: false,
    },
    {
      name: "the name that it listens as is let in",
      listensAs: "llm.example.org",
      hosts: ["llm.example.org:11435", "LLM.example.org"],
      isIn: true,
    },
  ] as {
    name: string;
    hosts: (string | undefined)[];
    isIn: boolean;
    origins?: string[];
    listensAs?: string;
  }[]
) {
  Deno.test(`of hosts, ${name}`, async () => {
    const ask = asker(settings);
    for (const host of [...hosts, ...hosts]) {
      const text = await ask(host);
      if (isIn) equal(text, "in", host);
      else match(text, /is not known to be called .*add "http:\/\/.*" to origins/, host);
    }
  });
}

for (
  const { name, said, key, want } of [
    { name: "nobody has a key", said: {}, want: 403 },
    { name: "a key is shown", said: { api_keys: ["k"] }, key: "k", want: 200 },
    { name: "none is shown, and nobody let in without", said: { api_keys: ["k"] }, want: 200 },
    {
      name: "none is shown, and all let in without",
      said: { "api_keys": ["k"], "auth.allow_anonymous": true },
      want: 403,
    },
  ] as { name: string; said: Record<string, unknown>; key?: string; want: number }[]
) {
  Deno.test(`where ${name}, the name of a site is answered ${want}`, async () => {
    using access = clientAccess(said);
    const settings = { listensAs: () => "127.0.0.1", origins: () => [] };
    const app = new Hono<AppEnv>().use(identifyClient(access)).use(admitHostsWithoutKey(settings));
    app.get("/", (c) => c.text("in"));
    app.onError((error, c) => c.text(error.message, 403));
    const headers = { host: "evil.example", ...(key !== undefined && { "x-api-key": key }) };
    equal((await app.request("/", { headers })).status, want);
  });
}
