import type { Config } from "./config.ts";
import { ConfigError } from "./config_error.ts";
import { formatListenAddress, isLoopback, type ListenAddress } from "./listen_address.ts";

/** What decides whether a gateway may listen where it is to. */
export interface ListenFacts {
  /** Where. */
  readonly listen: ListenAddress;
  /** How many keys are configured that clients may show; what only workers show is none. */
  readonly keyCount: number;
  /** Whether the operator wants clients without a key. */
  readonly allowsAnonymous: boolean;
}

/** Why a gateway must not listen there, to follow the name of the key; `undefined` if it may. */
export function openListenComplaint(
  { listen, keyCount, allowsAnonymous }: ListenFacts,
): string | undefined {
  if (keyCount > 0 || allowsAnonymous || isLoopback(listen)) return undefined;
  const where = formatListenAddress(listen);
  return `must be on loopback (127.0.0.1) while no key is configured: at ${where} everybody on the network could use ` +
    "and manage this gateway; make a key with `sollol key new` and add it to auth.keys, or set auth.allow_anonymous " +
    "to true to let everybody ask models";
}

/**
 * Refuses a config that would leave a gateway that runs open to everybody: `listen` stays what it is until a restart,
 * whatever the new config says of it.
 *
 * @throws {ConfigError} On `listen`, with the cures.
 */
export function requireKeysAt(
  listen: ListenAddress,
  { apiKeys, auth }: Pick<Config, "apiKeys" | "auth">,
): void {
  const keyCount = apiKeys.size + auth.keys.length;
  const complaint = openListenComplaint({ listen, keyCount, allowsAnonymous: auth.allowsAnonymous });
  if (complaint === undefined) return;
  throw new ConfigError([{ path: "listen", message: `listen ${complaint}`, source: undefined }]);
}
