/** First bytes of what chats hold; `.` is any byte. */
const SIGNATURES: readonly (readonly [signature: string, type: string])[] = [
  ["\x89PNG", "image/png"],
  ["\xff\xd8\xff", "image/jpeg"],
  ["GIF8", "image/gif"],
  ["BM", "image/bmp"],
  ["RIFF....WEBP", "image/webp"],
  ["RIFF....WAVE", "audio/wav"],
  ["ID3", "audio/mpeg"],
  ["\xff\xfb", "audio/mpeg"],
  ["\xff\xf3", "audio/mpeg"],
  ["\xff\xf2", "audio/mpeg"],
];

/** Base64 of the longest signature. */
const HEAD_LENGTH = 16;

/**
 * What a picture or a sound is by its first bytes, such as `image/png` or `audio/wav`; `image/jpeg` if they say nothing.
 *
 * @param base64 Valid.
 */
export function mediaTypeOf(base64: string): string {
  const head = atob(base64.slice(0, HEAD_LENGTH));
  return SIGNATURES.find(([signature]) => begins(head, signature))?.[1] ?? "image/jpeg";
}

function begins(head: string, signature: string): boolean {
  if (head.length < signature.length) return false;
  return Array.from(signature).every((byte, at) => byte === "." || byte === head[at]);
}
