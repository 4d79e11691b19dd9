import { ConfigError } from "../config/config_error.ts";
import type { Environment } from "../config/environment.ts";
import { configKeys } from "../config/keys.ts";
import { type Layer, type LayerEntry, layerOf } from "../config/layer.ts";
import { type ConfigFromDisk, loadConfig } from "../config/load.ts";
import { didYouMean } from "../config/nearest.ts";
import { listOf, valueOfText } from "../config/text_value.ts";
import { type OptionSpecs, type OptionValues, UsageError } from "./command.ts";

/** Where the config comes from: for every command that reads it. */
export const CONFIG_FILE_OPTIONS = {
  config: {
    type: "string",
    value: "FILE",
    description: "Read this config file, not the usual ones.",
    heading: "Configuration",
  },
  set: {
    type: "string",
    value: "KEY=VALUE",
    multiple: true,
    description: "Set any key of the config, such as coordinator.kv_type=q8_0.",
    heading: "Configuration",
  },
} as const;

/** Where models lie, for every command that looks for them. */
export const MODELS_OPTION = {
  models: {
    type: "string",
    value: "PATH",
    multiple: true,
    description: "Ollama store, directory of GGUF files, or .gguf file; default: where Ollama keeps models.",
    heading: "Configuration",
  },
} as const;

/** All keys of the config that have a flag of their own. */
export const CONFIG_OPTIONS = {
  ...CONFIG_FILE_OPTIONS,
  listen: {
    type: "string",
    short: "l",
    value: "ADDRESS",
    description: "host:port or port to listen on; default 127.0.0.1:11435.",
    heading: "Configuration",
  },
  model: {
    type: "string",
    short: "m",
    value: "MODEL",
    description: "Model for requests that name none.",
    heading: "Configuration",
  },
  rpc: {
    type: "string",
    value: "HOST:PORT",
    multiple: true,
    description: "An rpc backend, or several with commas between.",
    heading: "Configuration",
  },
  nodes: {
    type: "string",
    value: "URL",
    multiple: true,
    description: "An Ollama node, as a URL or host[:port], or several with commas between.",
    heading: "Configuration",
  },
  ...MODELS_OPTION,
  "model-sharding": {
    type: "boolean",
    negatable: true,
    description: "Spread models over rpc backends; on unless negated.",
    heading: "Configuration",
  },
  "task-distribution": {
    type: "boolean",
    negatable: true,
    description: "Send requests to Ollama nodes; on unless negated.",
    heading: "Configuration",
  },
  "coordinator-url": {
    type: "string",
    value: "URL",
    description: "Use this llama-server, which already runs.",
    heading: "Configuration",
  },
  "context-size": {
    type: "string",
    value: "TOKENS",
    description: "Context per slot; default: the model's own, or 4096.",
    heading: "Configuration",
  },
  slots: {
    type: "string",
    value: "COUNT",
    description: "Requests that a coordinator answers at a time; default 4.",
    heading: "Configuration",
  },
  "llama-server": {
    type: "string",
    value: "PATH",
    description: "The llama-server program; default: found.",
    heading: "Configuration",
  },
  "rpc-server": {
    type: "string",
    value: "PATH",
    description: "The ggml-rpc-server program; default: found.",
    heading: "Configuration",
  },
  "state-dir": {
    type: "string",
    value: "DIR",
    description: "Directory for what must outlive a restart.",
    heading: "Configuration",
  },
  "log-level": {
    type: "string",
    value: "LEVEL",
    choices: ["debug", "info", "warn", "error"],
    description: "Least severe lines that are written; default info.",
    heading: "Configuration",
  },
  "log-format": {
    type: "string",
    value: "FORMAT",
    choices: ["auto", "json", "pretty"],
    description: "How lines are written; default auto.",
    heading: "Configuration",
  },
} as const;

/** The key of the config that each flag sets; `--config` and `--set` stand apart. */
export const KEY_OF_FLAG: Readonly<Record<string, string>> = {
  listen: "listen",
  model: "model",
  rpc: "rpc_backends",
  nodes: "ollama_nodes",
  models: "models",
  "model-sharding": "model_sharding_enabled",
  "task-distribution": "task_distribution_enabled",
  "coordinator-url": "coordinator_url",
  "context-size": "coordinator.context_size",
  slots: "coordinator.slots",
  "llama-server": "llama_cpp.llama_server",
  "rpc-server": "llama_cpp.rpc_server",
  "state-dir": "state_dir",
  "log-level": "log.level",
  "log-format": "log.format",
};

/**
 * Loads the config for a command whose options are some of {@linkcode CONFIG_OPTIONS}.
 *
 * @throws {ConfigError} If anything in any source is wrong.
 * @throws {UsageError} If a `--set` names no key.
 */
export async function loadConfigForCommand(
  { options, env }: { options: OptionValues<OptionSpecs>; env: Environment },
): Promise<ConfigFromDisk> {
  const path = typeof options["config"] === "string" ? options["config"] : undefined;
  return await loadConfig({ env, path, flags: configLayer(options) });
}

/**
 * Loads the config again from the same sources: the same file, flags and variables. Where no file was found at first,
 * the usual places are looked at again.
 *
 * @param before What the sources said before.
 * @throws {ConfigError} If anything is wrong, also if the file is gone, or says nothing where it said something: whoever
 *   cuts a file to write it anew must not open the gateway to everybody meanwhile.
 */
export async function reloadConfigForCommand(
  { options, env }: { options: OptionValues<OptionSpecs>; env: Environment },
  before: ConfigFromDisk,
): Promise<ConfigFromDisk> {
  const loaded = await loadConfig({ env, path: before.path, flags: configLayer(options) });
  const { path } = loaded;
  if (path === undefined || path !== before.path) return loaded;
  if (!hasKeysOfFile(before) || hasKeysOfFile(loaded)) return loaded;
  const message =
    `${path} says nothing any more; write at least one key, or restart to run with the defaults`;
  throw new ConfigError([{ path: undefined, message, source: undefined }]);
}

function hasKeysOfFile({ said }: ConfigFromDisk): boolean {
  return [...said.sources.values()].some(({ kind }) => kind === "file");
}

/**
 * What flags say, as a layer of the config.
 *
 * @throws {UsageError} If a `--set` names no key.
 */
export function configLayer(options: OptionValues<OptionSpecs>): Layer {
  const settings = Array.isArray(options["set"]) ? options["set"].map(entryOfSetting) : [];
  return layerOf([...entriesOfFlags(options), ...settings]);
}

function* entriesOfFlags(options: OptionValues<OptionSpecs>): Generator<LayerEntry> {
  for (const [flag, path] of Object.entries(KEY_OF_FLAG)) {
    const given = options[flag];
    if (given === undefined || (Array.isArray(given) && given.length === 0)) continue;
    yield entry(path, typeof given === "boolean" ? given : valueOf(path, given), `--${flag}`);
  }
}

function entryOfSetting(setting: string): LayerEntry {
  const [path = "", text] = setting.split(/=(.*)/s);
  if (text === undefined) throw new UsageError(`--set needs KEY=VALUE, got "${setting}"`);
  const paths = configKeys().map((key) => key.path);
  if (!paths.includes(path)) {
    throw new UsageError(`--set knows no key "${path}"${mapHint(path) ?? didYouMean(path, paths)}`);
  }
  return entry(path, valueOf(path, text), `--set ${path}`);
}

/** Names in a map may have dots themselves, so that none of them can be set alone. */
function mapHint(path: string): string | undefined {
  const map = configKeys().find((key) => key.kind === "map" && path.startsWith(`${key.path}.`));
  if (!map) return undefined;
  const example = `${map.path}={${JSON.stringify(path.slice(map.path.length + 1))}: …}`;
  return `; ${map.path} is set as a whole, as JSON: --set '${example}'`;
}

/** Lists that a flag takes with commas between, too; others, such as paths, may hold commas themselves. */
const COMMA_LISTS: readonly string[] = ["rpc_backends", "ollama_nodes"];

function valueOf(path: string, given: string | readonly string[]): unknown {
  if (typeof given !== "string") {
    return COMMA_LISTS.includes(path) ? given.flatMap((list) => listOf(list, ",")) : given;
  }
  return valueOfText(configKeys().find((key) => key.path === path)!, given);
}

function entry(path: string, value: unknown, flag: string): LayerEntry {
  return { path, value, source: { kind: "flag", flag } };
}
