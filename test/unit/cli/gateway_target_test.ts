import { deepEqual, equal, throws } from "node:assert/strict";
import { UsageError } from "../../../lib/cli/command.ts";
import { findGateway } from "../../../lib/cli/gateway_target.ts";
import { mergeConfig } from "../../../lib/config/merge.ts";

interface Said {
  readonly gateway?: string;
  readonly token?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The gateway for a configuration with an API key, and what the command line and the environment say beside it. */
function find({ gateway, token, env = {} }: Said, listen = "127.0.0.1:11435") {
  const { config } = mergeConfig({ env: { SOLLOL_API_KEYS: "configured", SOLLOL_LISTEN: listen } });
  return findGateway({ gateway, token }, config, env);
}

for (
  const [listen, url] of [
    ["127.0.0.1:11435", "http://127.0.0.1:11435"],
    ["0.0.0.0:80", "http://127.0.0.1:80"],
    ["[::]:8080", "http://127.0.0.1:8080"],
    ["[::1]:8080", "http://[::1]:8080"],
    ["192.168.1.2:11435", "http://192.168.1.2:11435"],
  ] as const
) {
  Deno.test(`findGateway() looks for the gateway that listens on ${listen} at ${url}`, () => {
    deepEqual([find({}, listen).url, find({}, listen).key], [url, "configured"]);
  });
}

for (
  const { gateway, key } of [
    { gateway: "http://localhost:1", key: "configured" },
    { gateway: "127.0.0.1:1", key: "configured" },
    { gateway: "http://[::1]:1", key: "configured" },
    { gateway: "http://192.168.1.2:11435", key: undefined },
    { gateway: "http://127.0.0.1.example.org:1", key: undefined },
    { gateway: "localhost.example.org:1", key: undefined },
  ]
) {
  Deno.test(`findGateway() shows ${gateway} ${key ? "the configured key" : "no key of the configuration"}`, () => {
    equal(find({ gateway }).key, key);
  });
}

Deno.test("findGateway() takes --token before the environment, and that before the configuration", () => {
  const env = { SOLLOL_API_KEY: "from-env" };
  equal(find({ token: "from-flag", env }).key, "from-flag");
  equal(find({ env }).key, "from-env");
  equal(find({ env, gateway: "http://192.168.1.2:1" }).key, "from-env");
  equal(find({ env: { SOLLOL_API_KEY: "" } }).key, "configured");
});

Deno.test("findGateway() keeps the path of a gateway behind a proxy", () => {
  const { basePath, url } = find({ gateway: "http://shelf/sollol/" });
  deepEqual([basePath, url], ["/sollol", "http://shelf:80/sollol"]);
});

for (
  const { name, said, listen, message } of [
    { name: "no URL", said: { gateway: "http://" }, message: /^--gateway/ },
    { name: "a key with a line break", said: { token: "a\r\nb" }, message: /printable ASCII/ },
    { name: "an empty key", said: { token: "" }, message: /printable ASCII/ },
    { name: "no port to look at", said: {}, listen: "127.0.0.1:0", message: /--gateway is missing/ },
  ]
) {
  Deno.test(`findGateway() refuses ${name}`, () => {
    throws(() => find(said, listen), (error) => error instanceof UsageError && message.test(error.message));
  });
}
