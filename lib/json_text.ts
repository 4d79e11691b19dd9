/** The value of JSON text; `undefined` if it is none: whoever wrote it is not to be trusted to write JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The value of JSON text, as a step of a schema: `z.string().transform(parsedBy(requireJson))`.
 *
 * @throws {RangeError} If it is none.
 */
export function requireJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RangeError("must be JSON", { cause });
  }
}
