import { type ConfigKey, configKeys } from "./keys.ts";
import { type Layer, type LayerEntry, layerOf } from "./layer.ts";
import { didYouMean } from "./nearest.ts";
import { valueOfText } from "./text_value.ts";

/** Variables of the process; unset ones are absent or `undefined`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names the config file, like `--config`. */
export const CONFIG_VARIABLE = "SOLLOL_CONFIG";

/** What commands show to a gateway; the gateway itself has `api_keys`. */
export const API_KEY_VARIABLE = "SOLLOL_API_KEY";

/** Absolute path of the one file that a portable sollol was started as; it says so itself. */
export const PROGRAM_VARIABLE = "SOLLOL_PROGRAM";

/** Where a portable sollol extracts itself. */
const PORTABLE_DIR_VARIABLE = "SOLLOL_PORTABLE_DIR";

/** Read by others than the configuration. */
const OTHER_VARIABLES: readonly string[] = [
  CONFIG_VARIABLE,
  API_KEY_VARIABLE,
  PROGRAM_VARIABLE,
  PORTABLE_DIR_VARIABLE,
];

const PREFIX = "SOLLOL_";

/** The variable for a key: `SOLLOL_COORDINATOR_SLOTS` for `coordinator.slots`. */
export function variableOf(path: string): string {
  return PREFIX + path.replaceAll(".", "_").toUpperCase();
}

/**
 * What the environment sets: `SOLLOL_…` for each key, `RPC_BACKENDS`, `OLLAMA_NODES` and `OLLAMA_MODELS` as others name
 * them (the `SOLLOL_…` form wins over these). A variable that is empty counts as not set.
 *
 * @returns The layer, and a sentence for each `SOLLOL_…` variable that names no key.
 */
export function readEnvironment(env: Environment): { layer: Layer; warnings: string[] } {
  const keys = configKeys();
  const variables = new Map(keys.map((key) => [variableOf(key.path), key]));
  const known = [...variables.keys(), ...OTHER_VARIABLES];
  const unknown = Object.keys(env).filter((name) => name.startsWith(PREFIX) && !known.includes(name));
  return {
    layer: layerOf([...borrowedEntries(env, keys), ...entriesOf(env, variables)]),
    warnings: unknown.map((name) => `environment variable ${name} means nothing${didYouMean(name, known)}`),
  };
}

function* entriesOf(env: Environment, variables: ReadonlyMap<string, ConfigKey>): Generator<LayerEntry> {
  for (const [variable, key] of variables) {
    const text = env[variable];
    if (text?.trim()) yield entry(key.path, valueOfText(key, text), variable);
  }
}

function* borrowedEntries(env: Environment, keys: readonly ConfigKey[]): Generator<LayerEntry> {
  const { RPC_BACKENDS: rpcBackends, OLLAMA_MODELS: ollamaModels, OLLAMA_NODES: ollamaNodes } = env;
  const rpcKey = keys.find(({ path }) => path === "rpc_backends")!;
  if (rpcBackends?.trim()) yield entry(rpcKey.path, valueOfText(rpcKey, rpcBackends), "RPC_BACKENDS");
  const nodesKey = keys.find(({ path }) => path === "ollama_nodes")!;
  if (ollamaNodes?.trim()) yield entry(nodesKey.path, valueOfText(nodesKey, ollamaNodes), "OLLAMA_NODES");
  // Ollama takes the whole text for one directory, commas included.
  if (ollamaModels?.trim()) yield entry("models", [ollamaModels], "OLLAMA_MODELS");
}

function entry(path: string, value: unknown, variable: string): LayerEntry {
  return { path, value, source: { kind: "environment", variable } };
}
