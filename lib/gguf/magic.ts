import { GgufSyntaxError } from "./errors.ts";
import { FOREIGN_HEAD_BYTES, foreignFormatOf } from "./foreign_format.ts";

/** The bytes that every GGUF begins with. */
export const MAGIC = "GGUF";

/** How much of a file's start {@linkcode checkMagic} wants, to name what the file is instead. */
export const MAGIC_HEAD_BYTES: number = FOREIGN_HEAD_BYTES;

/**
 * Checks that a file begins as a GGUF does: costs little and finds most broken downloads.
 *
 * @param head The first {@linkcode MAGIC_HEAD_BYTES} of the file, fewer if it is shorter.
 * @throws {GgufSyntaxError} If it does not; names the usual suspects.
 */
export function checkMagic(head: Uint8Array): void {
  const found = String.fromCharCode(...head.subarray(0, MAGIC.length));
  if (found === MAGIC) return;
  if (found === "") throw new GgufSyntaxError("it is empty", 0, { advice: "download it again" });
  const foreign = foreignFormatOf(head);
  if (foreign) throw new GgufSyntaxError(`it is ${foreign.name}`, 0, { advice: foreign.advice });
  throw new GgufSyntaxError(`it begins with ${JSON.stringify(found)}, not with "${MAGIC}"`, 0);
}
