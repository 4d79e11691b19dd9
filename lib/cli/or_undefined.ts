/** A step of a schema, behind `.nullish()`: what is not known is `null` on the wire, and `undefined` here. */
export function orUndefined<Said>(said: Said | null | undefined): Said | undefined {
  return said ?? undefined;
}
