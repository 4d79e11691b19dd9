import fc from "fast-check";
import { deepEqual, equal, ok } from "node:assert/strict";
import { LineSplitter } from "../../../lib/process/line_splitter.ts";

const encoder = new TextEncoder();

function split(chunks: Uint8Array[], maxLineBytes?: number): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter(
    (line) => lines.push(line),
    maxLineBytes === undefined ? {} : { maxLineBytes },
  );
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

for (
  const { name, input, want } of [
    { name: "cuts at line feeds", input: "a\nb\n", want: ["a", "b"] },
    { name: "hands over a last line without line feed", input: "a\nb", want: ["a", "b"] },
    { name: "takes CRLF as one line end", input: "a\r\nb\r\n", want: ["a", "b"] },
    { name: "keeps empty lines", input: "\n\na\n", want: ["", "", "a"] },
    { name: "keeps a carriage return inside a line", input: "50%\r100%\n", want: ["50%\r100%"] },
    { name: "hands over nothing for nothing", input: "", want: [] },
  ]
) {
  Deno.test(`LineSplitter ${name}`, () => deepEqual(split([encoder.encode(input)]), want));
}

Deno.test("LineSplitter gives the same lines however the bytes are cut, also inside a character", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" })), fc.integer({ min: 1, max: 7 }), (texts, size) => {
      const wanted = texts.map((text) => text.replaceAll(/[\r\n]/g, " "));
      const bytes = encoder.encode(wanted.map((line) => `${line}\n`).join(""));
      const chunks = Array.from(
        { length: Math.ceil(bytes.length / size) },
        (_, index) => bytes.subarray(index * size, (index + 1) * size),
      );
      deepEqual(split(chunks), wanted);
    }),
  );
});

Deno.test("LineSplitter replaces bytes that are no UTF-8", () => {
  deepEqual(split([Uint8Array.of(0x61, 0xff, 0x62, 0x0a)]), ["a\uFFFDb"]);
});

Deno.test("LineSplitter cuts a line that is too long and counts what it dropped", () => {
  deepEqual(split([encoder.encode("abcdefgh\nok\n")], 5), ["abcde… (+3 bytes)", "ok"]);
});

Deno.test("LineSplitter keeps a line of exactly the limit", () => {
  deepEqual(split([encoder.encode("abcde\n")], 5), ["abcde"]);
});

Deno.test("LineSplitter does not grow with a line that never ends", () => {
  const chunk = new Uint8Array(1024 * 1024).fill(0x61);
  const [line] = split(Array.from({ length: 10 }, () => chunk), 1024);
  equal(line, `${"a".repeat(1024)}… (+${10 * 1024 * 1024 - 1024} bytes)`);
  ok(line!.length < 1100);
});
