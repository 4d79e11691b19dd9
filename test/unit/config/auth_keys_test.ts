import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { inspect } from "node:util";
import { sha256Of } from "../../../lib/auth/secret_digest.ts";
import { ConfigError } from "../../../lib/config/config_error.ts";
import { describeConfig } from "../../../lib/config/describe.ts";
import { diffConfig } from "../../../lib/config/diff.ts";
import { type LoadedConfig, mergeConfig } from "../../../lib/config/merge.ts";
import { requireKeysAt } from "../../../lib/config/open_listen.ts";
import { parseListenAddress } from "../../../lib/config/listen_address.ts";
import { parseConfigFile } from "../../../lib/config/yaml_file.ts";

const HASH = `sha256:${sha256Of("hunter2")}`;

function load(text: string, env: Record<string, string> = {}): LoadedConfig {
  return mergeConfig({
    file: parseConfigFile(text, "/etc/sollol/config.yaml"),
    env: { HOME: "/home/ada", ...env },
  });
}

/** The message of the refusal; fails if there is none. */
function refusal(text: string): string {
  let message = "";
  throws(() => load(text), (error) => {
    ok(error instanceof ConfigError);
    message = error.message;
    return true;
  });
  return message;
}

Deno.test("a key has a name, scopes and limits, and is for inference with all models if nothing is said", () => {
  const { auth } = load(`
auth:
  keys:
    - {name: chat, key: hunter2}
    - {name: bot, hash: "${HASH}", scopes: [inference, metrics], models: [tiny*], requests_per_minute: 30, concurrency: 2,
       max_priority: 3}
  allow_anonymous: true
`).config;
  const none = {
    models: undefined,
    requestsPerMinute: undefined,
    concurrency: undefined,
    maxPriority: undefined,
  };
  deepEqual(auth, {
    keys: [
      {
        name: "chat",
        source: { kind: "key" },
        sha256: [sha256Of("hunter2")],
        scopes: ["inference"],
        ...none,
      },
      {
        name: "bot",
        source: { kind: "hash" },
        sha256: [sha256Of("hunter2")],
        scopes: ["inference", "metrics"],
        models: ["tiny*"],
        requestsPerMinute: 30,
        concurrency: 2,
        maxPriority: 3,
      },
    ],
    allowsAnonymous: true,
  });
});

Deno.test("the file of a key is taken from the config file's directory, or from home", () => {
  const sourceOf = (path: string) =>
    load(`auth: {keys: [{name: a, file: ${path}}]}`).config.auth.keys[0]!.source;
  deepEqual(sourceOf("a.key"), { kind: "file", path: "/etc/sollol/a.key" });
  deepEqual(sourceOf("~/a.key"), { kind: "file", path: "/home/ada/a.key" });
  deepEqual(sourceOf("/run/a.key"), { kind: "file", path: "/run/a.key" });
});

Deno.test("keys may come from a variable, as JSON", () => {
  const env = { SOLLOL_AUTH_KEYS: '[{"name": "chat", "key": "hunter2"}]' };
  equal(load("", env).config.auth.keys[0]!.name, "chat");
});

for (
  const [text, want] of [
    ["auth: {keys: [hunter2]}", /auth\.keys\[0\] must be a section of keys and values, got text/],
    ["auth: {keys: hunter2}", /auth\.keys must be a list, got text/],
    ["auth: {keys: {chat: hunter2}}", /auth\.keys must be a list, got a section/],
    [
      "auth: {keys: [{name: chat}]}",
      /must say where the key is by one of key, hash, file and credential, got none/,
    ],
    [
      `auth: {keys: [{name: chat, key: hunter2, hash: "${HASH}"}]}`,
      /one of key, hash, file and credential, got key and hash/,
    ],
    ["auth: {keys: [{name: chat, key: hunter 2}]}", /keys\[0\]\.key must be printable ASCII without spaces/],
    [
      "auth: {keys: [{name: chat, key: 1234567}]}",
      /keys\[0\]\.key must be text, got a number or word; put it in quotes/,
    ],
    [
      "auth: {keys: [{name: chat, hash: hunter2}]}",
      /keys\[0\]\.hash must be "sha256:" and 64 hexadecimal digits/,
    ],
    ["auth: {keys: [{name: chat, hash: [hunter2]}]}", /keys\[0\]\.hash must be text, got a list/],
    [
      "auth: {keys: [{name: chat, credential: /hunter2}]}",
      /keys\[0\]\.credential must be the name of a credential/,
    ],
    [
      "auth: {keys: [{name: my chat, key: hunter2}]}",
      /keys\[0\]\.name must be 1 to 64 letters, digits or \. _ @ -/,
    ],
    ["auth: {keys: [{key: hunter2}]}", /keys\[0\]\.name is missing/],
    [
      "auth: {keys: [{name: chat, key: hunter2, scopes: [hunter2]}]}",
      /scopes\[0\] must be one of inference, metrics, worker, admin, got text/,
    ],
    ["auth: {keys: [{name: chat, key: hunter2, scopes: []}]}", /scopes must have at least/],
    ["auth: {keys: [{name: chat, key: hunter2, models: []}]}", /models must have at least/],
    ["auth: {keys: [{name: chat, key: hunter2, concurrency: 0}]}", /concurrency must be at least 1/],
    ["auth: {keys: [{name: chat, key: hunter2, max_priority: 11}]}", /max_priority must be at most 10/],
    [
      "auth: {keys: [{name: chat, key: hunter2, model: tiny}]}",
      /unknown key "auth\.keys\[0\]\.model"; did you mean "auth\.keys\[0\]\.models"/,
    ],
    [
      "auth: {keys: [{name: a, key: hunter2}, {name: a, key: hunter3}]}",
      /the name "a" is that of auth\.keys\[0\] already/,
    ],
  ] as const
) {
  Deno.test(`${text.slice(0, 60)} is refused by its place, and shows no key`, () => {
    const message = refusal(text);
    match(message, want);
    ok(!message.includes("hunter"), message);
  });
}

Deno.test("what is printed of a config has no key in it", () => {
  const loaded = load(
    `api_keys: [hunter1]\nauth: {keys: [{name: chat, key: hunter2}, {name: bot, file: a.key}]}`,
  );
  const { config } = loaded;
  const shown = [
    Deno.inspect(config, { depth: 9 }),
    inspect(config, { depth: 9 }),
    JSON.stringify(config),
    String(config.auth),
  ];
  const rows = describeConfig(loaded);
  for (const text of [...shown, JSON.stringify(rows)]) ok(!/hunter/.test(text), text);
  equal(rows.find(({ key }) => key === "auth.keys")!.value, "chat,bot");
  deepEqual(
    diffConfig(config, load("auth: {keys: [{name: chat, key: hunter9}]}").config).map(({ key }) => key),
    [
      "api_keys",
      "auth.keys",
    ],
  );
});

for (
  const { listen, said = "", isRefused } of [
    { listen: "127.0.0.1:11435", isRefused: false },
    { listen: "127.3.2.1:1", isRefused: false },
    { listen: "'[::1]:1'", isRefused: false },
    { listen: "localhost:1", isRefused: false },
    { listen: "LOCALHOST:1", isRefused: false },
    { listen: "11435", isRefused: false },
    { listen: "0.0.0.0:1", isRefused: true },
    { listen: "'[::]:1'", isRefused: true },
    { listen: "192.168.1.4:1", isRefused: true },
    { listen: "gateway.lan:1", isRefused: true },
    { listen: "127.evil.example:1", isRefused: true },
    { listen: "localhost.evil.example:1", isRefused: true },
    { listen: "0.0.0.0:1", said: "api_keys: [k]", isRefused: false },
    { listen: "0.0.0.0:1", said: `auth: {keys: [{name: a, hash: "${HASH}"}]}`, isRefused: false },
    { listen: "0.0.0.0:1", said: "auth: {keys: [{name: a, file: a.key}]}", isRefused: false },
    { listen: "0.0.0.0:1", said: "auth: {allow_anonymous: true}", isRefused: false },
    { listen: "0.0.0.0:1", said: "worker_token: w", isRefused: true },
  ]
) {
  Deno.test(`listening on ${listen} with "${said}" is ${isRefused ? "refused" : "fine"}`, () => {
    const text = `listen: ${listen}\n${said}`;
    if (!isRefused) return void load(text);
    const message = refusal(text);
    match(
      message,
      /listen must be on loopback \(127\.0\.0\.1\) while no key is configured.*config\.yaml, line 1/,
    );
    match(message, /`sollol key new`.*auth\.keys.*auth\.allow_anonymous/);
  });
}

Deno.test("a gateway that listens elsewhere may not lose its last key, though the new config would listen on loopback", () => {
  const elsewhere = parseListenAddress("0.0.0.0:1");
  throws(
    () => requireKeysAt(elsewhere, load("").config),
    (error) => error instanceof ConfigError && error.problems[0]!.path === "listen",
  );
  requireKeysAt(elsewhere, load("api_keys: [k]").config);
  requireKeysAt(elsewhere, load("auth: {allow_anonymous: true}").config);
  requireKeysAt(parseListenAddress("127.0.0.1:1"), load("").config);
});
