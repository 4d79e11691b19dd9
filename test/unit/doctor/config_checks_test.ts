import { deepEqual, doesNotMatch, equal } from "node:assert/strict";
import { ConfigError } from "../../../lib/config/config_error.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { judgeAccess } from "../../../lib/doctor/check_access.ts";
import { type ConfigReading, judgeConfig } from "../../../lib/doctor/check_config.ts";
import { examineSecretFiles, hasSecretFiles } from "../../../lib/doctor/check_secret_files.ts";
import { FakeMachine, type FakeMachineNature } from "../../fakes/fake_machine.ts";
import { assertFinding, type WantedFinding } from "../../fixtures/assert_finding.ts";

const PATH = "/etc/sollol/config.yaml";

async function read(yaml: string | undefined, env: Record<string, string> = {}): Promise<ConfigReading> {
  const bytes = yaml === undefined ? undefined : new TextEncoder().encode(yaml);
  try {
    return await loadConfig({ env, readFile: (path) => Promise.resolve(path === PATH ? bytes : undefined) });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

const CONFIGS: readonly (WantedFinding & { name: string; yaml?: string; env?: Record<string, string> })[] = [
  { name: "that says nothing is fine", result: "ok", seen: /^no file, which is fine; 0 keys are set$/ },
  {
    name: "tells its file and how much it says",
    yaml: "model: a\ncoordinator: { slots: 2 }",
    result: "ok",
    seen: /^\/etc\/sollol\/config\.yaml; 2 keys are set$/,
  },
  {
    name: "tells who else has a say",
    yaml: "model: a",
    env: { SOLLOL_COORDINATOR_SLOTS: "8" },
    result: "ok",
    seen: /2 keys are set; coordinator\.slots by environment SOLLOL_COORDINATOR_SLOTS$/,
  },
  {
    name: "with a mistake fails",
    yaml: "modell: a",
    result: "fail",
    seen: /unknown key "modell"; did you mean "model"\?.*line 1/,
    cure: /does not start with it/,
  },
  {
    name: "with many mistakes tells the first ones",
    yaml: ["a", "b", "c", "d", "e", "f", "g"].map((key) => `unknown_${key}: 1`).join("\n"),
    result: "fail",
    seen: /; and 2 more$/,
  },
  {
    name: "with a doubt is a warning",
    yaml: "rpc_backends: [a, a]",
    result: "warn",
    seen: /a:50052 is listed 2 times/,
    cure: /correct \/etc/,
  },
];

for (const { name, yaml, env, ...want } of CONFIGS) {
  Deno.test(`a configuration ${name}`, async () => assertFinding(judgeConfig(await read(yaml, env)), want));
}

Deno.test("what is said of a configuration holds no secret", async () => {
  for (
    const yaml of [
      "api_keys: [a-secret]\nworker_token: a-secret",
      "api_keys: { a-secret: 1 }",
      "api_keys: [a-secret]\nx: 1",
    ]
  ) {
    doesNotMatch(JSON.stringify(judgeConfig(await read(yaml))), /a-secret/);
  }
});

async function accessOf(yaml: string) {
  const reading = await read(yaml);
  if (reading instanceof ConfigError) throw reading;
  return judgeAccess(reading.config);
}

const ACCESS: readonly (WantedFinding & { name: string; yaml: string })[] = [
  {
    name: "this machine alone",
    yaml: "model: a",
    result: "ok",
    seen: /^127\.0\.0\.1:11435: only programs on this machine reach it$/,
  },
  {
    name: "those with keys",
    yaml: "listen: 0.0.0.0:1\napi_keys: [a, b]",
    result: "ok",
    seen: /with 2 keys; keys travel in the clear/,
  },
  {
    name: "everybody",
    yaml: "listen: 0.0.0.0:1\nauth: { allow_anonymous: true }",
    result: "warn",
    seen: /without a key/,
    cure: /sollol key new/,
  },
];

for (const { name, yaml, ...want } of ACCESS) {
  Deno.test(`a gateway for ${name}`, async () => assertFinding(await accessOf(yaml), want));
}

const KEY_FILE = "auth: { keys: [{ name: chat, file: /etc/sollol/chat.key }] }";

const FILES: readonly (FakeMachineNature & WantedFinding & { name: string; yaml: string })[] = [
  {
    name: "of a key, for its owner alone",
    yaml: KEY_FILE,
    files: { "/etc/sollol/chat.key": 0o600 },
    result: "ok",
  },
  {
    name: "of a key, readable by its group",
    yaml: KEY_FILE,
    files: { "/etc/sollol/chat.key": 0o640 },
    result: "fail",
    seen: /open to others \(mode 0640\)/,
    cure: /^chmod 600 \/etc\/sollol\/chat\.key$/,
  },
  { name: "of a key, missing", yaml: KEY_FILE, result: "fail", seen: /"chat".* does not exist/ },
  {
    name: "of a key, a directory",
    yaml: KEY_FILE,
    files: { "/etc/sollol/chat.key": { kind: "directory" } },
    result: "fail",
    seen: /is no file/,
  },
  {
    name: "of a key, of somebody else",
    yaml: KEY_FILE,
    files: { "/etc/sollol/chat.key": 0o600 },
    troubles: { "/etc/sollol/chat.key": "this user may not" },
    result: "warn",
    cure: /sudo sollol doctor/,
  },
  {
    name: "of the configuration, with keys, open",
    yaml: "api_keys: [a]",
    files: { [PATH]: 0o644 },
    result: "warn",
    cure: /files of their own.*chmod 600 \/etc/,
  },
  { name: "of the configuration, with keys", yaml: "api_keys: [a]", files: { [PATH]: 0o600 }, result: "ok" },
  {
    name: "of the configuration, with a node's key",
    yaml: "ollama_nodes: [{ url: a, api_key: b }]",
    files: { [PATH]: 0o644 },
    result: "warn",
  },
];

for (const { name, yaml, result, seen, cure, ...nature } of FILES) {
  Deno.test(`a secret file ${name}`, async () => {
    const reading = await read(yaml);
    if (reading instanceof ConfigError) throw reading;
    const want = { result, ...(seen && { seen }), ...(cure && { cure }) };
    assertFinding(await examineSecretFiles(reading, new FakeMachine(nature)), want);
  });
}

for (
  const { yaml, want } of [
    { yaml: "model: a", want: false },
    { yaml: "auth: { keys: [{ name: chat, credential: chat }] }", want: false },
    { yaml: KEY_FILE, want: true },
    { yaml: "api_keys: [a]", want: true },
  ]
) {
  Deno.test(`hasSecretFiles() is ${want} for ${yaml}`, async () => {
    const reading = await read(yaml);
    if (reading instanceof ConfigError) throw reading;
    equal(hasSecretFiles(reading), want);
  });
}

Deno.test("figures of a configuration name keys and sources", async () => {
  const { figures } = judgeConfig(await read("model: a"));
  deepEqual(figures, { path: PATH, keys: [{ key: "model", source: `file ${PATH}, line 1` }] });
  equal(judgeConfig(await read(undefined)).figures?.["path"], undefined);
});
