import type { Config, Scope } from "../config/config.ts";
import { sha256Of } from "./secret_digest.ts";

/** A key that clients may show, and what it is good for. Holds no secret. */
export interface ClientKey {
  /** What it is called in logs: that of `auth.keys`, `api_keys[0]` or `worker_token`. */
  readonly name: string;
  /** SHA-256 of each secret that is this key, in lower-case hexadecimal digits. */
  readonly sha256: readonly string[];
  /** What it is for, as the operator said. */
  readonly scopes: readonly Scope[];
  /** Patterns of the models that it may use; `undefined` for all. */
  readonly models: readonly string[] | undefined;
  /** Most requests for models in a minute; `undefined`: as `limits` says. */
  readonly requestsPerMinute: number | undefined;
  /** Most requests for models at a time; `undefined`: as `limits` says. */
  readonly concurrency: number | undefined;
  /** The highest priority that its requests get; `undefined`: any. */
  readonly maxPriority: number | undefined;
}

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
