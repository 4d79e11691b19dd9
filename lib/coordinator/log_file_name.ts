import { sha256 } from "../sha256.ts";

/** A name that is longer is no name for a person, and a file system takes 255 bytes. */
const MAX_SLUG_CHARS = 60;

/**
 * The name of the file that keeps what a model's coordinators say: readable, and another for each key.
 *
 * @param key Canonical key of the model, any text.
 */
export function logFileName(key: string): string {
  const lastPart = key.split("/").findLast((part) => part !== "") ?? "";
  const slug = lastPart.replaceAll(/[^A-Za-z0-9._-]+/g, "-").slice(0, MAX_SLUG_CHARS);
  const mark = sha256(key).slice(0, 8);
  return `coordinator-${slug}-${mark}.log`;
}
