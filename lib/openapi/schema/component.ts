import * as z from "zod";

// The schemas in this folder are documentation, and what tests hold answers against: what each is and means stands in its
// descriptions. Requests are read by the dialects, with leaner ones.

/** The schemas that have a name of their own in the document, by their names. */
export const COMPONENTS: ReadonlyMap<string, z.ZodType> = new Map();

/** Gives a schema its name: wherever it stands, the document refers to it. */
export function component<Schema extends z.ZodType>(name: string, schema: Schema): Schema {
  if (COMPONENTS.has(name)) throw new TypeError(`two schemas are called ${name}`);
  (COMPONENTS as Map<string, z.ZodType>).set(name, schema);
  return schema;
}

/**
 * The zod schema behind a shape that other code reads with.
 *
 * @throws {TypeError} If it is none.
 */
export function schemaOf(shape: unknown): z.ZodType {
  if (shape instanceof z.ZodType) return shape;
  throw new TypeError("only zod schemas can be documented");
}
