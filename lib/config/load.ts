import { messageOf } from "../errors.ts";
import { formatBytes, MIB } from "../units.ts";
import { ConfigError } from "./config_error.ts";
import type { Environment } from "./environment.ts";
import type { Layer } from "./layer.ts";
import { type LoadedConfig, mergeConfig } from "./merge.ts";
import { configPlaces } from "./paths.ts";

/** A config file must fit in this; more is not a config. */
export const MAX_CONFIG_BYTES: number = MIB;

/** How {@linkcode loadConfig} finds its sources. */
export interface LoadConfigOptions {
  /** Variables of the process. */
  readonly env: Environment;
  /** The config file that the operator named; otherwise the usual places are looked at. */
  readonly path?: string | undefined;
  /** What flags say. */
  readonly flags?: Layer;
  /** Reads a file, at most one byte more than `maxBytes` of it; `undefined` if there is none. */
  readonly readFile?: (path: string, maxBytes: number) => Promise<Uint8Array | undefined>;
}

/** A {@linkcode LoadedConfig}, and the file that it came from. */
export interface ConfigFromDisk extends LoadedConfig {
  /** The config file that was read, if any. */
  readonly path: string | undefined;
}

/**
 * Finds and reads the config file, and lays environment and flags over it.
 *
 * @throws {ConfigError} If the file cannot be read, or anything in any source is wrong.
 */
export async function loadConfig(options: LoadConfigOptions): Promise<ConfigFromDisk> {
  const { env, flags, readFile = readFileFromDisk } = options;
  for (const { path, isRequired } of configPlaces(env, options.path)) {
    const text = await readText(path, readFile);
    if (text !== undefined) {
      const { parseConfigFile } = await import("./yaml_file.ts"); // takes a while, and many have no such file
      return { ...mergeConfig({ file: parseConfigFile(text, path), env, ...(flags && { flags }) }), path };
    }
    if (isRequired) throw unreadable(path, "there is no such file");
  }
  return { ...mergeConfig({ env, ...(flags && { flags }) }), path: undefined };
}

async function readText(
  path: string,
  readFile: NonNullable<LoadConfigOptions["readFile"]>,
): Promise<string | undefined> {
  try {
    const bytes = await readFile(path, MAX_CONFIG_BYTES);
    if (bytes && bytes.byteLength > MAX_CONFIG_BYTES) {
      throw new RangeError(`it is larger than ${formatBytes(MAX_CONFIG_BYTES)}`);
    }
    return bytes && new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw unreadable(path, error instanceof TypeError ? "it is not UTF-8 text" : messageOf(error), error);
  }
}

function unreadable(path: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError([{ path: undefined, message: `cannot read ${path}: ${why}`, source: undefined }], {
    cause,
  });
}

/** Reads to the end or the limit instead of asking for the size: `--config <(…)` is a pipe. */
async function readFileFromDisk(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    using file = await Deno.open(path);
    const bytes = new Uint8Array(maxBytes + 1);
    let length = 0;
    while (length < bytes.length) {
      const count = await file.read(bytes.subarray(length));
      if (count === null) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
