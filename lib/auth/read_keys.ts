import type { AuthKeyConfig, Config } from "../config/config.ts";
import { ConfigError, type ConfigProblem, describeProblem } from "../config/config_error.ts";
import type { Environment } from "../config/environment.ts";
import { sourceOf } from "../config/layer.ts";
import type { LoadedConfig } from "../config/merge.ts";
import { messageOf } from "../errors.ts";
import { type ClientKey, clientKeysOf } from "./client_key.ts";
import { readKeyCredential, readKeyFile, UnreadableKeyError } from "./key_file.ts";
import { sha256Of } from "./secret_digest.ts";

/** What is looked at: the config, and where each part of it was said. */
export type SaidConfig = Pick<LoadedConfig, "config" | "said">;

/**
 * The same config with the keys that are in files and credentials, as digests: what a gateway runs with.
 *
 * @param env Says where credentials are, as systemd sets it.
 * @throws {ConfigError} With every file and credential that cannot be used, each with its cure; or with all keys that are
 *   one and the same secret under two names. No secret is in it.
 */
export async function readKeys(said: SaidConfig, env: Environment): Promise<Config> {
  const { config, wrong, unreadable } = await read(said, env);
  const problems = [...wrong, ...unreadable];
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/**
 * Looks at the keys before a gateway does, which may run as another user, or be given credentials by systemd.
 *
 * @returns What this process could not look at, a sentence each.
 * @throws {ConfigError} As {@linkcode readKeys} does, for all else.
 */
export async function checkKeys(said: SaidConfig, env: Environment): Promise<readonly string[]> {
  const { wrong, unreadable } = await read(said, env);
  if (wrong.length > 0) throw new ConfigError(wrong);
  return unreadable.map((problem) => `${describeProblem(problem)}; not checked, since ${OTHERS_MAY}`);
}

const OTHERS_MAY = "a gateway that runs as another user, or by systemd, may read it";

interface ReadConfig {
  readonly config: Config;
  readonly wrong: readonly ConfigProblem[];
  /** What a process of another user might read. */
  readonly unreadable: readonly ConfigProblem[];
}

async function read({ config, said }: SaidConfig, env: Environment): Promise<ReadConfig> {
  const [wrong, unreadable]: [ConfigProblem[], ConfigProblem[]] = [[], []];
  const keys: AuthKeyConfig[] = [];
  for (const [at, key] of config.auth.keys.entries()) {
    try {
      keys.push({ ...key, sha256: await digestsOf(key, env) });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const path = `auth.keys.${at}`;
      const message = `the key "${key.name}" (auth.keys[${at}]) ${messageOf(error)}`;
      const problems = error instanceof UnreadableKeyError ? unreadable : wrong;
      problems.push({ path, message, source: sourceOf(said, path) });
    }
  }
  const found = { ...config, auth: { ...config.auth, keys } };
  if (wrong.length === 0) wrong.push(...problemsOfShared(found, said));
  return { config: found, wrong, unreadable };
}

function problemsOfShared(config: Config, said: LoadedConfig["said"]): ConfigProblem[] {
  return sharedSecrets(clientKeysOf(config)).map(([first, second]) => ({
    path: "auth.keys",
    message:
      `"${first}" and "${second}" are the same key; whoever has it would be both: make another with \`sollol key new\``,
    source: sourceOf(said, "auth.keys"),
  }));
}

async function digestsOf({ source, sha256 }: AuthKeyConfig, env: Environment): Promise<readonly string[]> {
  switch (source.kind) {
    case "file":
      return (await readKeyFile(source.path)).map(sha256Of);
    case "credential":
      return (await readKeyCredential(source.name, env)).map(sha256Of);
    case "key":
    case "hash":
      return sha256;
  }
}

function sharedSecrets(keys: readonly ClientKey[]): [first: string, second: string][] {
  const nameOf = new Map<string, string>();
  const shared: [string, string][] = [];
  for (const { name, sha256 } of keys) {
    for (const digest of sha256) {
      const first = nameOf.get(digest);
      if (first === undefined) nameOf.set(digest, name);
      else shared.push([first, name]);
    }
  }
  return shared;
}
