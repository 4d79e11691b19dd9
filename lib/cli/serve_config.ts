import { readKeys } from "../auth/read_keys.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import type { ConfigFromDisk } from "../config/load.ts";
import { requireKeysAt } from "../config/open_listen.ts";
import type { OptionSpecs, OptionValues } from "./command.ts";
import { loadConfigForCommand, reloadConfigForCommand } from "./config_flags.ts";

/** Where a gateway's config comes from. */
export interface ServeContext {
  /** What was given on the command line. */
  readonly options: OptionValues<OptionSpecs>;
  /** Variables of the process; systemd says by one where credentials are. */
  readonly env: Environment;
}

/**
 * Loads what a gateway runs with: the config, and the keys that are in files and credentials.
 *
 * @throws {ConfigError} If anything in any source is wrong, or a key cannot be read.
 * @throws {UsageError} If a `--set` names no key.
 */
export async function loadServeConfig(context: ServeContext): Promise<ConfigFromDisk> {
  const loaded = await loadConfigForCommand(context);
  return { ...loaded, config: await readKeys(loaded, context.env) };
}

/**
 * The same again, for a gateway that runs.
 *
 * @param before What the sources said before.
 * @param running What is in force: it listens there until a restart.
 * @throws {ConfigError} As {@linkcode loadServeConfig} does; and if without its last key the gateway would be open to
 *   everybody who reaches where it listens.
 */
export async function reloadServeConfig(
  context: ServeContext,
  before: ConfigFromDisk,
  running: Pick<Config, "listen">,
): Promise<ConfigFromDisk> {
  const loaded = await reloadConfigForCommand(context, before);
  requireKeysAt(running.listen, loaded.config);
  return { ...loaded, config: await readKeys(loaded, context.env) };
}
