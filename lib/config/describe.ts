import { formatEndpoint } from "../rpc/endpoint.ts";
import type { Config } from "./config.ts";
import { type ConfigKey, configKeys } from "./keys.ts";
import { isTree, sourceOf, valueAt } from "./layer.ts";
import type { LoadedConfig } from "./merge.ts";
import { MASK, maskArguments } from "./secrets.ts";
import { DEFAULT_SOURCE, describeSource } from "./source.ts";

/** One key of the config in force, for a person. */
export interface ConfigRow {
  /** Dotted path, such as `coordinator.slots`. */
  readonly key: string;
  /** As people write it; secrets are masked; empty where nothing is set. */
  readonly value: string;
  /** Where it comes from, such as `flag --rpc` or `default`. */
  readonly source: string;
}

/** Every key with its value and where that comes from, in the order of the tree; fit for logs and pages. */
export function describeConfig({ config, said }: LoadedConfig): readonly ConfigRow[] {
  return configKeys().map((key) => {
    const value = valueAt(said.values, key.path);
    const source = value === undefined ? DEFAULT_SOURCE : sourceOf(said, key.path) ?? DEFAULT_SOURCE;
    return {
      key: key.path,
      value: printed(key, value ?? computedDefault(key, config), config),
      source: describeSource(source),
    };
  });
}

function computedDefault(key: ConfigKey, config: Config): unknown {
  if (key.path === "state_dir") return config.stateDir;
  return key.path === "coordinator.log_dir" ? config.coordinator.logDir : key.default;
}

function printed(key: ConfigKey, value: unknown, config: Config): string {
  if (key.path === "rpc_backends") return config.rpcBackends.map(formatEndpoint).join(",");
  if (key.path === "coordinators") return config.coordinators.map(({ url }) => url).join(",");
  if (key.path === "ollama_nodes") return config.ollamaNodes.map(({ url }) => url).join(",");
  if (key.path === "auth.keys") return config.auth.keys.map(({ name }) => name).join(",");
  if (value === undefined) return "";
  if (key.kind === "map") return isTree(value) && Object.keys(value).length > 0 ? JSON.stringify(value) : "";
  if (!Array.isArray(value)) return key.format === "secret" ? MASK : String(value);
  if (key.format === "secret") return value.map(() => MASK).join(key.separator);
  return (key.path === "coordinator.extra_args" ? maskArguments(value) : value).join(key.separator);
}
