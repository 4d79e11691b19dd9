/** Whether `prefix` stands at an offset. */
export function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.byteLength; i++) {
    if (bytes[at + i] !== prefix[i]) return false;
  }
  return true;
}

/** Whether `suffix` stands right before an offset. */
export function endsWith(bytes: Uint8Array, end: number, suffix: Uint8Array): boolean {
  return startsWith(bytes, end - suffix.byteLength, suffix);
}

/** Offset of the first occurrence at or behind `from`; -1 if there is none. */
export function indexOfBytes(bytes: Uint8Array, wanted: Uint8Array, from = 0): number {
  for (let at = bytes.indexOf(wanted[0]!, from); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (startsWith(bytes, at, wanted)) return at;
  }
  return -1;
}

/** Offset of the last occurrence; -1 if there is none. */
export function lastIndexOfBytes(bytes: Uint8Array, wanted: Uint8Array): number {
  let at = bytes.lastIndexOf(wanted[0]!);
  while (at >= 0 && !startsWith(bytes, at, wanted)) {
    at = at === 0 ? -1 : bytes.lastIndexOf(wanted[0]!, at - 1);
  }
  return at;
}
