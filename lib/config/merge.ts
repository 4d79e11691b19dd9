import { formatEndpoint } from "../rpc/endpoint.ts";
import type { Config, RpcBackendConfig } from "./config.ts";
import { ConfigError } from "./config_error.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { type Layer, mergeLayers } from "./layer.ts";
import { defaultStateDir, resolvePaths } from "./paths.ts";
import { problemsOf } from "./problems.ts";
import { parseTree } from "./tree.ts";

/** What {@linkcode mergeConfig} puts together. */
export interface ConfigSources {
  /** What the config file says, as `parseConfigFile()` reads it. */
  readonly file?: Layer;
  /** Variables of the process. */
  readonly env?: Environment;
  /** What flags say. */
  readonly flags?: Layer;
}

/** A config that is valid, with all that `describeConfig()` needs to explain it. */
export interface LoadedConfig {
  /** What code reads. */
  readonly config: Config;
  /** What was said, by which source; without the defaults. */
  readonly said: Layer;
  /** What looks like a mistake, but hinders nothing; one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Puts the sources together, flags over environment over file over defaults, and validates the result. Pure.
 *
 * @throws {ConfigError} With everything that is wrong, each with its source.
 */
export function mergeConfig({ file, env = {}, flags }: ConfigSources): LoadedConfig {
  const environment = readEnvironment(env);
  const layers = [file, environment.layer, flags].filter((layer) => layer !== undefined);
  const said = resolvePaths(mergeLayers(layers), env);
  const result = parseTree(said.values, { stateDir: defaultStateDir(env) });
  if ("issues" in result) throw new ConfigError(result.issues.flatMap((issue) => problemsOf(issue, said)));
  const { unique, warnings } = withoutRepeats(result.config.rpcBackends);
  return {
    config: { ...result.config, rpcBackends: unique },
    said,
    warnings: [...environment.warnings, ...warnings],
  };
}

/** llama.cpp that is given one endpoint twice waits for itself. */
function withoutRepeats(
  backends: readonly RpcBackendConfig[],
): { unique: RpcBackendConfig[]; warnings: string[] } {
  const byName = Map.groupBy(backends, formatEndpoint);
  const repeated = [...byName].filter(([, same]) => same.length > 1);
  return {
    unique: [...byName.values()].map(([first]) => first!),
    warnings: repeated.map(([name, { length }]) =>
      `rpc backend ${name} is listed ${length} times; it counts once`
    ),
  };
}
