import { valuesOf, withValue } from "./json_bytes.ts";

const encoder = new TextEncoder();

/**
 * The same request for another model: its `model` is replaced, or added where it says none; every other byte stays as it
 * is, since numbers would not survive a parse unharmed.
 *
 * @param body A JSON object; it was parsed before.
 */
export function withModel(body: Uint8Array, model: string): Uint8Array<ArrayBuffer> {
  const value = encoder.encode(JSON.stringify(model));
  return withValue(body, { key: "model", places: valuesOf(body, "model"), value });
}
