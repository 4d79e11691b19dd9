/** A value that satisfies a JSON schema, always the same; `null` for one that allows everything. */
export function sampleOf(schema: unknown, root: unknown = schema): unknown {
  if (typeof schema !== "object" || schema === null) return null;
  const { $ref, const: constant, enum: choices, type, anyOf, oneOf, allOf, properties, items } =
    schema as Readonly<Record<string, unknown>>;
  if (typeof $ref === "string") return sampleOf(definitionAt($ref, root), root);
  if (constant !== undefined) return constant;
  if (Array.isArray(choices)) return choices[0];
  const alternatives = anyOf ?? oneOf ?? allOf;
  if (Array.isArray(alternatives)) return sampleOf(alternatives[0], root);
  const isObject = typeof properties === "object" && properties !== null;
  switch (Array.isArray(type) ? type[0] : type ?? (isObject ? "object" : undefined)) {
    case "object":
      return Object.fromEntries(
        Object.entries(properties ?? {}).map(([name, property]) => [name, sampleOf(property, root)]),
      );
    case "array":
      return [sampleOf(items, root)];
    case "string":
      return "some text";
    case "integer":
      return 7;
    case "number":
      return 0.5;
    case "boolean":
      return true;
    default:
      return null;
  }
}

/** What `#/$defs/Name` points to; no recursion is looked for. */
function definitionAt(pointer: string, root: unknown): unknown {
  return pointer.split("/").slice(1).reduce(
    (value, key) => (value as Record<string, unknown> | undefined)?.[key] as unknown,
    root,
  );
}
