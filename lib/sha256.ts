/**
 * SHA-256 as 64 lower-case hexadecimal digits.
 *
 * @param content Text counts as UTF-8.
 */
export function sha256(content: string | Uint8Array): string {
  // Not imported: `node:crypto` takes a tenth of a start to load, and most starts hash nothing.
  const { createHash } = globalThis.process.getBuiltinModule("node:crypto");
  return createHash("sha256").update(content).digest("hex");
}
