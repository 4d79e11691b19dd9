import { dirname, isAbsolute, join } from "node:path";
import { CONFIG_VARIABLE, type Environment } from "./environment.ts";
import { configKeys } from "./keys.ts";
import { isTree, type Layer, type LayerEntry, layerOf, mergeLayers, sourceOf, valueAt } from "./layer.ts";
import { DEFAULT_SOURCE, type Source } from "./source.ts";

/** A place where a config file may lie. */
export interface ConfigPlace {
  /** Path of the file. */
  readonly path: string;
  /** Whether the operator named it, so that its absence is an error. */
  readonly isRequired: boolean;
}

/** Where to look for the config file, best first; the first that exists is the only one read. */
export function configPlaces(env: Environment, named?: string): readonly ConfigPlace[] {
  const required = named || env[CONFIG_VARIABLE];
  if (required) return [{ path: required, isRequired: true }];
  const { XDG_CONFIG_HOME: xdg, HOME: home } = env;
  const directories = [xdg, home && join(home, ".config"), "/etc"].filter((directory) => !!directory);
  return [...new Set(directories)].map((directory) => ({
    path: join(directory!, "sollol", "config.yaml"),
    isRequired: false,
  }));
}

/** Where state goes if nobody says: systemd's `StateDirectory=`, else the XDG state directory. */
export function defaultStateDir(env: Environment): string {
  const { STATE_DIRECTORY: systemd, XDG_STATE_HOME: xdg, HOME: home } = env;
  if (systemd) return systemd.split(":")[0]!;
  if (xdg) return join(xdg, "sollol");
  return home ? join(home, ".local", "state", "sollol") : "/var/lib/sollol";
}

/**
 * Makes paths mean what their writer saw: `~/` is the home directory, and in a file a path that is not absolute
 * is taken from that file's directory. Bare names of programs stay, they are searched for on `PATH`.
 */
export function resolvePaths(layer: Layer, env: Environment): Layer {
  const entries = configKeys().flatMap((key): LayerEntry[] => {
    const value = valueAt(layer.values, key.path);
    if ((key.format !== "path" && key.format !== "program") || value === undefined) return [];
    const source = sourceOf(layer, key.path) ?? DEFAULT_SOURCE;
    const resolve = (path: unknown) => resolvePath(path, key.format === "program", source, env);
    return [{ path: key.path, value: Array.isArray(value) ? value.map(resolve) : resolve(value), source }];
  });
  const keyFiles = keyFileEntries(layer, env);
  return { ...mergeLayers([layer, layerOf([...entries, ...keyFiles])]), sources: layer.sources };
}

/** Where keys lie that are in files. */
function keyFileEntries(layer: Layer, env: Environment): LayerEntry[] {
  const path = "auth.keys";
  const value = valueAt(layer.values, path);
  if (!Array.isArray(value)) return [];
  const source = sourceOf(layer, path) ?? DEFAULT_SOURCE;
  const resolved = value.map((key: unknown) =>
    isTree(key) && "file" in key ? { ...key, file: resolvePath(key["file"], false, source, env) } : key
  );
  return [{ path, value: resolved, source }];
}

function resolvePath(path: unknown, isProgram: boolean, source: Source, env: Environment): unknown {
  if (typeof path !== "string" || path.trim() === "") return path;
  if (path.startsWith("~/") && env["HOME"]) return join(env["HOME"], path.slice(2));
  if (source.kind !== "file" || isAbsolute(path) || (isProgram && !path.includes("/"))) return path;
  return join(dirname(source.path), path);
}
