import { deepEqual, throws } from "node:assert/strict";
import type { SseEvent } from "../../../lib/stream/sse_event.ts";
import { SseReader } from "../../../lib/stream/sse_reader.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function readAll(bytes: Uint8Array, pieceLength: number): SseEvent[] {
  const reader = new SseReader();
  const events: SseEvent[] = [];
  for (let at = 0; at < bytes.length; at += pieceLength) {
    events.push(...reader.push(bytes.subarray(at, at + pieceLength)));
  }
  return events;
}

const message = (data: string): SseEvent => ({ type: "message", data });

for (
  const { name, text, want } of [
    { name: "an event", text: "data: hello\n\n", want: [message("hello")] },
    { name: "its type", text: "event: state\ndata: x\n\n", want: [{ type: "state", data: "x" }] },
    {
      name: "a type for one event only",
      text: "event: a\ndata: 1\n\ndata: 2\n\n",
      want: [{ type: "a", data: "1" }, message("2")],
    },
    { name: "data of several lines", text: "data: a\ndata:b\ndata:  c\n\n", want: [message("a\nb\n c")] },
    {
      name: "CRLF",
      text: "event: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n",
      want: [{ type: "a", data: "b" }, message("c")],
    },
    { name: "CR alone", text: "data: a\r\rdata: b\r\r", want: [message("a"), message("b")] },
    {
      name: "all ends mixed",
      text: "data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\n",
      want: [message("a\nb\nc"), message("d")],
    },
    { name: "no comments", text: ": ping\n\n:\ndata: a\n: x\ndata: b\n\n", want: [message("a\nb")] },
    {
      name: "no fields that it does not know",
      text: "id: 1\nretry: 9\nnonsense\ndata: a\n\n",
      want: [message("a")],
    },
    { name: "data without a value", text: "data\ndata:\ndata: \n\n", want: [message("\n\n")] },
    { name: "no event without data", text: "event: a\n\ndata: b\n\n", want: [message("b")] },
    { name: "no event that has not ended", text: "data: a\n\ndata: b\n", want: [message("a")] },
    { name: "colons in values", text: 'data: {"a":": b"}\n\n', want: [message('{"a":": b"}')] },
    { name: "letters of many bytes", text: "data: ░█ 😀\n\n", want: [message("░█ 😀")] },
    { name: "no byte order mark", text: "\u{feff}data: a\n\n", want: [message("a")] },
    { name: "nothing", text: "", want: [] },
  ]
) {
  Deno.test(`SseReader reads ${name}, however it is cut`, () => {
    const bytes = encode(text);
    for (let pieceLength = 1; pieceLength <= bytes.length + 1; pieceLength++) {
      deepEqual(readAll(bytes, pieceLength), want, `in pieces of ${pieceLength}`);
    }
  });
}

for (
  const { name, pieces } of [
    { name: "one line without end", pieces: Array(20).fill("aaaaaaaaaa") },
    { name: "one piece without end", pieces: ["a".repeat(101)] },
    { name: "a comment without end", pieces: [":", ...Array(20).fill("aaaaaaaaaa")] },
    { name: "ever more lines of data", pieces: Array(60).fill("data:\n").concat(Array(60).fill("data: \n")) },
  ]
) {
  Deno.test(`SseReader refuses ${name}`, () => {
    const reader = new SseReader({ maxLength: 100 });
    throws(() => pieces.forEach((piece) => reader.push(encode(piece))), RangeError);
  });
}

Deno.test("SseReader bears any number of events and comments that are short", () => {
  const reader = new SseReader({ maxLength: 20 });
  for (let count = 0; count < 50; count++) {
    deepEqual(reader.push(encode(": 0123456789\n\ndata: 0123456789\n\n:x\n")), [message("0123456789")]);
  }
});
