/** More than any key; what is longer is none. */
const MAX_INPUT_BYTES = 64 * 1024;
const LINE_FEED = 10;

/**
 * The first line of stdin, without its end; empty if there is none.
 *
 * @throws {RangeError} If it is longer than 64 KiB, or no text. Never shows it.
 */
export async function readFirstLine(
  input: { read(into: Uint8Array): Promise<number | null> },
): Promise<string> {
  const bytes = new Uint8Array(MAX_INPUT_BYTES + 1);
  let length = 0;
  while (length < bytes.length && !bytes.subarray(0, length).includes(LINE_FEED)) {
    const count = await input.read(bytes.subarray(length));
    if (count === null) break;
    length += count;
  }
  const end = bytes.subarray(0, length).indexOf(LINE_FEED);
  if (end < 0 && length > MAX_INPUT_BYTES) throw new RangeError("must be a line of at most 64 KiB");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, end < 0 ? length : end)).trim();
  } catch (cause) {
    throw new RangeError("must be text", { cause });
  }
}
