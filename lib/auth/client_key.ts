import type { AuthKeyConfig, Config, Scope } from "../config/config.ts";
import { sha256Of } from "./secret_digest.ts";

/** A key that clients may show, and what it is good for: one of `auth.keys`, of `api_keys`, or `worker_token`. */
export type ClientKey = Omit<AuthKeyConfig, "source">;

/** What of the config says which keys there are. */
export type KeysConfig = Pick<Config, "apiKeys" | "auth" | "workerToken">;

/** All keys of a config, in its order. Those of files and credentials have secrets once `readKeys` has read them. */
export function clientKeysOf({ apiKeys, auth, workerToken }: KeysConfig): readonly ClientKey[] {
  return [
    ...apiKeys.reveal().map((secret, at) => unlimited(`api_keys[${at}]`, secret, "admin")),
    ...(workerToken?.reveal() ?? []).map((secret) => unlimited("worker_token", secret, "worker")),
    ...auth.keys,
  ];
}

/** Whether somebody configured a key for clients; what only workers show is none. */
export function hasClientKeys({ apiKeys, auth }: Pick<Config, "apiKeys" | "auth">): boolean {
  return apiKeys.size + auth.keys.length > 0;
}

function unlimited(name: string, secret: string, scope: Scope): ClientKey {
  return {
    name,
    sha256: [sha256Of(secret)],
    scopes: [scope],
    models: undefined,
    requestsPerMinute: undefined,
    concurrency: undefined,
    maxPriority: undefined,
  };
}
