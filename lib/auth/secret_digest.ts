import { sha256 } from "../sha256.ts";

/** Longer keys are refused: no client needs them, and each that is shown is hashed. */
export const MAX_SECRET_LENGTH = 254;

/** What a key may be made of: it is shown in a header. */
export const SECRET_PATTERN = /^[\x21-\x7e]+$/;

/** The SHA-256 of a key, as 64 lower-case hexadecimal digits. Keys are random: no salt or slow hash would add anything. */
export function sha256Of(secret: string): string {
  return sha256(secret);
}

/** What is wrong with a text that is to be a key, to follow `it`; `undefined` if nothing is. Never shows the text. */
export function secretComplaint(text: string): string | undefined {
  if (!SECRET_PATTERN.test(text)) return "must be printable ASCII without spaces";
  return text.length > MAX_SECRET_LENGTH ? `must have at most ${MAX_SECRET_LENGTH} characters` : undefined;
}
