import { secretComplaint } from "./secret_digest.ts";

/**
 * Reads the keys in a file, one a line; empty lines and those that begin with `#` do not count.
 *
 * @returns At least one, none twice.
 * @throws {RangeError} If there is none, one is twice, or a line cannot be a key. The sentence shows no line.
 */
export function parseKeyLines(text: string): readonly string[] {
  const lineOf = new Map<string, number>();
  text.split("\n").forEach((line, index) => {
    const secret = line.trim();
    if (secret !== "" && !secret.startsWith("#")) addLine(lineOf, secret, index + 1);
  });
  if (lineOf.size > 0) return [...lineOf.keys()];
  throw new RangeError("has no key; write one a line, as `sollol key new` prints it");
}

function addLine(lineOf: Map<string, number>, secret: string, number: number): void {
  const complaint = secretComplaint(secret);
  if (complaint !== undefined) throw new RangeError(`has no key in line ${number}: it ${complaint}`);
  if (/^sha256:[0-9a-f]{64}$/.test(secret)) {
    throw new RangeError(`has a hash in line ${number}; write hashes to "hash" in auth.keys, and keys here`);
  }
  const first = lineOf.get(secret);
  if (first !== undefined) {
    throw new RangeError(`has the same key in lines ${first} and ${number}; remove one of them`);
  }
  lineOf.set(secret, number);
}
