import type { AuthKeyConfig, Config } from "../config/config.ts";
import { ConfigError, type ConfigProblem } from "../config/config_error.ts";
import type { Environment } from "../config/environment.ts";
import { sourceOf } from "../config/layer.ts";
import type { LoadedConfig } from "../config/merge.ts";
import { messageOf } from "../errors.ts";
import { type ClientKey, clientKeysOf } from "./client_key.ts";
import { readKeyCredential, readKeyFile } from "./key_file.ts";
import { sha256Of } from "./secret_digest.ts";

/**
 * The same config with the keys that are in files and credentials, as digests: what a gateway runs with.
 *
 * @param env Says where credentials are, as systemd sets it.
 * @throws {ConfigError} With every file and credential that cannot be used, each with its cure; or with all keys that are
 *   one and the same secret under two names. No secret is in it.
 */
export async function readKeys(
  { config, said }: Pick<LoadedConfig, "config" | "said">,
  env: Environment,
): Promise<Config> {
  const problems: ConfigProblem[] = [];
  const complain = (path: string, message: string) => {
    problems.push({ path, message, source: sourceOf(said, path) });
  };
  const keys: AuthKeyConfig[] = [];
  for (const [at, key] of config.auth.keys.entries()) {
    try {
      keys.push({ ...key, sha256: await digestsOf(key, env) });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      complain(`auth.keys.${at}`, `the key "${key.name}" (auth.keys[${at}]) ${messageOf(error)}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const read = { ...config, auth: { ...config.auth, keys } };
  for (const [first, second] of sharedSecrets(clientKeysOf(read))) {
    complain(
      "auth.keys",
      `"${first}" and "${second}" are the same key; whoever has it would be both: make another with \`sollol key new\``,
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return read;
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
