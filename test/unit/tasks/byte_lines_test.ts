import fc from "fast-check";
import { deepEqual } from "node:assert/strict";
import { ByteLines } from "../../../lib/tasks/byte_lines.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Line {
  number: number;
  startByte: number;
  text: string | undefined;
}

function cut(chunks: readonly Uint8Array[], maxLineBytes = 1_000): Line[] {
  const lines = new ByteLines({ maxLineBytes });
  const found: Line[] = [];
  const note = (
    { number, startByte, bytes }: { number: number; startByte: number; bytes: Uint8Array | undefined },
  ) => found.push({ number, startByte, text: bytes && decoder.decode(bytes) });
  for (const chunk of chunks) {
    for (const line of lines.push(chunk)) note(line);
    chunk.fill(0); // whoever reads a file reuses the buffer
  }
  for (const line of lines.end()) note(line);
  return found;
}

for (
  const { name, text, want } of [
    { name: "numbers lines from 1, with their places", text: "ab\nc\n", want: [[1, 0, "ab"], [2, 3, "c"]] },
    { name: "takes a last line without line feed", text: "a\nb", want: [[1, 0, "a"], [2, 2, "b"]] },
    { name: "keeps empty lines and carriage returns", text: "\na\r\n", want: [[1, 0, ""], [2, 1, "a\r"]] },
    { name: "finds nothing in nothing", text: "", want: [] },
    {
      name: "keeps nothing of a line that is too long",
      text: "123456\n7",
      want: [[1, 0, undefined], [2, 7, "7"]],
    },
  ] as const
) {
  Deno.test(`ByteLines ${name}, however it is cut`, () => {
    const bytes = encoder.encode(text);
    for (let size = 1; size <= bytes.length + 1; size++) {
      const chunks = Array.from(
        { length: Math.ceil(bytes.length / size) },
        (_, at) => bytes.slice(at * size, (at + 1) * size),
      );
      const found = cut(chunks, 5);
      deepEqual(found.map(({ number, startByte, text }) => [number, startByte, text]), want);
    }
  });
}

Deno.test("ByteLines gives places where the lines are found again", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" })), fc.integer({ min: 1, max: 9 }), (texts, size) => {
      const text = texts.join("\n");
      const bytes = encoder.encode(text);
      const chunks = Array.from(
        { length: Math.ceil(bytes.length / size) },
        (_, at) => bytes.slice(at * size, (at + 1) * size),
      );
      for (const { startByte, text: line } of cut(chunks)) {
        const length = encoder.encode(line).length;
        deepEqual(decoder.decode(bytes.slice(startByte, startByte + length)), line);
      }
      const isUnfinished = text === "" || text.endsWith("\n");
      deepEqual(
        cut(chunks.map((_, at) => bytes.slice(at * size, (at + 1) * size))).map((line) => line.text),
        text.split("\n").slice(0, isUnfinished ? -1 : undefined),
      );
    }),
  );
});
