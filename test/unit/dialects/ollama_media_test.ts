import { deepEqual, throws } from "node:assert/strict";
import { decodeOllamaMedia } from "../../../lib/dialects/ollama_media.ts";

const PNG = "iVBORw0KGgo=";

for (
  const { name, said, want } of [
    { name: "as it is to be", said: PNG, want: PNG },
    { name: "without its padding", said: "iVBORw0KGgo", want: PNG },
    { name: "over several lines", said: "iVBO\r\nRw0K\nGgo=\n", want: PNG },
    { name: "in the alphabet of URLs", said: "-_-_", want: "+/+/" },
  ]
) {
  Deno.test(`base64 is read ${name}`, () => {
    deepEqual(decodeOllamaMedia([said], "images").map(({ base64 }) => base64), [want]);
  });
}

Deno.test("each medium has its type", () => {
  deepEqual(decodeOllamaMedia([PNG, btoa("ID3\x04")], "images").map(({ type }) => type), [
    "image/png",
    "audio/mpeg",
  ]);
});

for (
  const { name, said, message } of [
    { name: "empty", said: "", message: /^"images\[1\]" is empty/ },
    { name: "only padding", said: "==", message: /^"images\[1\]" is empty/ },
    { name: "a data URI", said: `data:image/png;base64,${PNG}`, message: /without "data:"/ },
    { name: "no base64", said: "!!", message: /^illegal base64 data in "images\[1\]"/ },
    { name: "cut within a byte", said: "iVBOR", message: /^illegal base64/ },
    { name: "padded too much", said: "iVBO===", message: /^illegal base64/ },
    { name: "padded inside", said: `${"=".repeat(1_000_000)}x`, message: /^illegal base64/ },
  ]
) {
  Deno.test(`a medium is refused that is ${name}`, () => {
    throws(() => decodeOllamaMedia([PNG, said], "images"), {
      code: "invalid_request",
      field: "images[1]",
      message,
    });
  });
}
