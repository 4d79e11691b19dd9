import { equal } from "node:assert/strict";
import { mediaTypeOf } from "../../../lib/dialects/media_type.ts";

for (
  const [bytes, want] of [
    ["\x89PNG\r\n\x1a\n", "image/png"],
    ["\xff\xd8\xff\xe0", "image/jpeg"],
    ["GIF89a", "image/gif"],
    ["BM\x00\x00", "image/bmp"],
    ["RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"],
    ["RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"],
    ["ID3\x04", "audio/mpeg"],
    ["\xff\xfb\x90", "audio/mpeg"],
    ["RIFF", "image/jpeg"],
    ["?", "image/jpeg"],
    ["nothing that is known", "image/jpeg"],
  ] as const
) {
  Deno.test(`${JSON.stringify(bytes)} is ${want}`, () => {
    equal(mediaTypeOf(btoa(bytes)), want);
  });
}
