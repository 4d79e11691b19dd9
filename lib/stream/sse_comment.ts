const encoder = new TextEncoder();

/** Longer comments are cut: readers skip them, but they hold them while they do, characters. */
const MAX_COMMENT_LENGTH = 1_000;

/** A comment line for an event stream: no reader sees it, and every proxy learns that the stream lives. */
export function sseComment(text: string): Uint8Array<ArrayBuffer> {
  // deno-lint-ignore no-control-regex
  const line = text.slice(0, MAX_COMMENT_LENGTH).replaceAll(/[\x00-\x1f\x7f\u0085\u2028\u2029]+/g, " ");
  return encoder.encode(`: ${line}\n\n`);
}
