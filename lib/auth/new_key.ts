import { sha256Of } from "./secret_digest.ts";

/** A key that was just made. */
export interface NewKey {
  /** What clients show; told once and kept nowhere. */
  readonly secret: string;
  /** Its hash, as `auth.keys` takes it: `sha256:` and 64 hexadecimal digits. */
  readonly hash: string;
}

const RANDOM_BYTES = 32;
/** By which people and scanners for leaked secrets know what it is. */
const PREFIX = "sk-sollol-";

/**
 * A new key: `sk-sollol-` and 43 characters that stand for 256 random bits.
 *
 * @param fillRandom Fills bytes as `crypto.getRandomValues` does.
 */
export function newKey(fillRandom: (bytes: Uint8Array<ArrayBuffer>) => void): NewKey {
  const bytes = new Uint8Array(RANDOM_BYTES);
  fillRandom(bytes);
  const secret = PREFIX + bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  return { secret, hash: hashText(secret) };
}

/** The hash of a key, as `auth.keys` takes it. */
export function hashText(secret: string): string {
  return `sha256:${sha256Of(secret)}`;
}
