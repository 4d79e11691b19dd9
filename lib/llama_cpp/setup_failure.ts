import { GatewayError, messageOf } from "../errors.ts";

const DISK_FULL = /No space left on device|don't have enough free space|Disk quota exceeded/;
/** Not allowed, read-only, a file where a directory must be, or a place such as /proc that takes neither. */
const NOT_WRITABLE = ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOENT"];

/**
 * The error that tells a person why setup failed and what to do. Whatever is not understood, a bug,
 * comes back as it is.
 */
export function explainSetupFailure(thrown: unknown, prefix: string): unknown {
  if (DISK_FULL.test(messageOf(thrown))) {
    return new GatewayError(
      "invalid_request",
      `Cannot install llama.cpp into "${prefix}": the disk is full. It needs about 200 MiB while it installs and ` +
        "55 MiB after; free some space, or choose another place with --prefix",
      { cause: thrown },
    );
  }
  if (thrown instanceof GatewayError || !(thrown instanceof Error)) return thrown;
  if (!("code" in thrown) || !NOT_WRITABLE.includes(String(thrown.code))) return thrown;
  return new GatewayError(
    "invalid_request",
    `Cannot install llama.cpp into "${prefix}": ${thrown.message}; choose another place with --prefix`,
    { cause: thrown },
  );
}
