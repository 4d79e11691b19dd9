import { configLeaves, configSchema } from "./tree.ts";

/** What kind of value a key takes; says how the text of a flag or variable is read. */
export type KeyKind = "text" | "boolean" | "number" | "list" | "map";

/** One key of the config that holds a value, as opposed to a section. */
export interface ConfigKey {
  /** Dotted path, such as `coordinator.slots`. */
  readonly path: string;
  /** What kind of value it takes. */
  readonly kind: KeyKind;
  /** For a person, with unit and default. */
  readonly description: string;
  /** As people write it; `undefined` if the key may stay unset. */
  readonly default: unknown;
  /** The words that it takes, if only certain ones. */
  readonly choices: readonly string[];
  /** `path` and `program` are names of files; `secret` must never be printed. */
  readonly format: "path" | "program" | "secret" | undefined;
  /** What stands between the elements where a list is written as one text. */
  readonly separator: "," | " ";
}

/** Every key of the config, in the order of the tree. */
export function configKeys(): readonly ConfigKey[] {
  return keys ??= configLeaves();
}

let keys: readonly ConfigKey[] | undefined; // a start needs them often

/**
 * The keys that may stand in the section, or in the elements of the list, at this path.
 *
 * @param path Keys and indices, outermost first; empty for the root.
 */
export function childrenOf(path: readonly PropertyKey[]): readonly string[] {
  let nodes = [configSchema() as SchemaNode];
  for (const step of path) {
    nodes = nodes.flatMap((node) =>
      typeof step === "number" ? node.items : node.properties?.[String(step)] ?? valuesOf(node)
    )
      .flatMap((node) => node?.anyOf ?? node ?? []);
  }
  return nodes.flatMap((node) => Object.keys(node.properties ?? {}));
}

/** The part of JSON Schema that the tree gives rise to. */
interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  /** What the values of a map are, whatever their keys. */
  additionalProperties?: SchemaNode | false;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
}

function valuesOf({ additionalProperties }: SchemaNode): SchemaNode | undefined {
  return additionalProperties === false ? undefined : additionalProperties;
}
