import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type YAMLError } from "yaml";
import { messageOf } from "../errors.ts";
import { ConfigError, type ConfigProblem } from "./config_error.ts";
import { isTree, type Layer, type RawTree } from "./layer.ts";
import type { Source } from "./source.ts";

/** How often an anchor may be repeated; a config needs few, a decompression bomb needs many. */
const MAX_ALIAS_COUNT = 100;

/**
 * Reads the text of a config file: YAML 1.2, and so JSON too. A key without a value counts as not set.
 *
 * @param path Name of the file, for messages.
 * @throws {ConfigError} If the text is no YAML, has a key twice or is no section; each with line and column.
 */
export function parseConfigFile(text: string, path: string): Layer {
  const lines = new LineCounter();
  const document = guarded(path, () => parseDocument(text, { lineCounter: lines, prettyErrors: false }));
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) throw new ConfigError(faults.map((fault) => syntaxProblem(fault, path, lines)));
  const values = guarded(path, () => document.toJS({ maxAliasCount: MAX_ALIAS_COUNT }) ?? {});
  if (!isTree(values)) throw new ConfigError([fileProblem(path, "it must hold keys and values")]);
  const sources = new Map<string, Source>();
  locate(document.contents, [], (keys, offset) => {
    sources.set(keys.join("."), { kind: "file", path, line: lines.linePos(offset).line });
  });
  return { values: withoutNulls(values), sources };
}

/** Calls `visit` for each key and each element below a node. Does not follow aliases: a bomb stays small. */
function locate(
  node: unknown,
  keys: readonly string[],
  visit: (keys: string[], offset: number) => void,
): void {
  const children = isMap(node)
    ? node.items.map(({ key, value }) => ({ name: nameOf(key), at: key, value }))
    : isSeq(node)
    ? node.items.map((value, index) => ({ name: String(index), at: value, value }))
    : [];
  for (const { name, at, value } of children) {
    const offset = isNode(at) ? at.range?.[0] : undefined;
    if (offset !== undefined) visit([...keys, name], offset);
    locate(value, [...keys, name], visit);
  }
}

function nameOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

/** `models:` with all its lines commented out is null in YAML; people mean that they do not set it. */
function withoutNulls(values: RawTree, depth = 2): RawTree {
  const entries = Object.entries(values).filter(([, value]) => value !== null);
  return Object.fromEntries(entries.map(([key, value]) => {
    return [key, isTree(value) && depth > 1 ? withoutNulls(value, depth - 1) : value];
  }));
}

function syntaxProblem(fault: YAMLError, path: string, lines: LineCounter): ConfigProblem {
  const { line, col } = lines.linePos(fault.pos[0]);
  return { path: undefined, message: `${path}:${line}:${col}: ${fault.message}`, source: undefined };
}

function fileProblem(path: string, why: string): ConfigProblem {
  return { path: undefined, message: `${path}: ${why}`, source: undefined };
}

/** The YAML library throws on too many aliases and, like any recursive reader, on absurdly deep nesting. */
function guarded<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new ConfigError([fileProblem(path, messageOf(error))], { cause: error });
  }
}
