import { equal, match } from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../../../routes/app_env.ts";
import { admitHosts } from "../../../../routes/middleware/hosts.ts";

/** Asks a gateway on loopback for each host in turn. */
function asker({ hasKeys = false, origins = [] as string[] } = {}) {
  const settings = { hasKeys: () => hasKeys, origins: () => origins };
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
      name: "every name is let in where keys are asked for",
      hasKeys: true,
      hosts: ["evil.example"],
      isIn: true,
    },
  ] as { name: string; hosts: (string | undefined)[]; isIn: boolean; origins?: string[]; hasKeys?: boolean }[]
) {
  Deno.test(`on loopback ${name}`, async () => {
    const ask = asker(settings);
    for (const host of [...hosts, ...hosts]) {
      const text = await ask(host);
      if (isIn) equal(text, "in", host);
      else match(text, /is not asked for as .*add "http:\/\/.*" to origins/, host);
    }
  });
}
