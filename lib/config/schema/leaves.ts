import * as z from "zod";
import type { ConfigKey, KeyKind } from "../keys.ts";

/**
 * Every key below a schema that holds a value, in the order of the schema. The JSON Schema says the same, but takes a tenth
 * of a start, and each start needs the keys.
 */
export function leavesOf(schema: z.core.$ZodType, path: readonly string[] = []): readonly ConfigKey[] {
  const { core, meta } = unwrapped(schema);
  const { def } = core;
  if (def.type === "object") {
    return Object.entries(def.shape).flatMap(([name, child]) => leavesOf(child, [...path, name]));
  }
  const format = (def.type === "array" ? unwrapped(def.element).meta : meta)["format"];
  return [{
    path: path.join("."),
    kind: KINDS[def.type] ?? "text",
    description: String(meta["description"] ?? ""),
    default: meta["default"],
    choices: def.type === "enum" ? Object.values(def.entries).map(String) : [],
    format: meta["writeOnly"] ? "secret" : format === "path" || format === "program" ? format : undefined,
    separator: meta["x-separator"] === " " ? " " : ",",
  }];
}

const KINDS: Readonly<Record<string, KeyKind>> = {
  boolean: "boolean",
  number: "number",
  array: "list",
  record: "map",
};

/** What a value is at its core, and what is said of it there and by what is around that. */
interface Unwrapped {
  readonly core: z.core.$ZodTypes["_zod"];
  readonly meta: Readonly<Record<string, unknown>>;
}

function unwrapped(schema: z.core.$ZodType): Unwrapped {
  const core = (schema as z.core.$ZodTypes)._zod; // safe: we make no kinds of our own
  const meta = z.globalRegistry.get(schema) ?? {};
  const { def } = core;
  switch (def.type) {
    case "optional":
      return around(def.innerType, meta);
    case "pipe":
      return around(def.in, meta);
    case "default":
    case "prefault":
      return around(def.innerType, { default: def.defaultValue, ...meta });
    default:
      return { core, meta };
  }
}

/** What is said further out counts. */
function around(inner: z.core.$ZodType, meta: Unwrapped["meta"]): Unwrapped {
  const { core, meta: within } = unwrapped(inner);
  return { core, meta: { ...within, ...meta } };
}
