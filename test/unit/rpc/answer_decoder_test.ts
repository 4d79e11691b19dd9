import { deepEqual, equal, throws } from "node:assert/strict";
import { AnswerDecoder } from "../../../lib/rpc/answer_decoder.ts";
import { GIB } from "../../../lib/units.ts";

/** Recorded from a ggml-rpc-server of protocol 8.0.0 with one CPU device. */
const RECORDED = Uint8Array.fromHex(
  `1c00000000000000 08000000${"00".repeat(24)} 0400000000000000 01000000
   1000000000000000 002092e205000000 002092e205000000`.replaceAll(/\s/g, ""),
);
const CPU = { freeBytes: 25_276_063_744, totalBytes: 25_276_063_744 };

function decode(...chunks: Uint8Array[]): AnswerDecoder {
  const decoder = new AnswerDecoder();
  for (const chunk of chunks) decoder.push(chunk);
  return decoder;
}

function frame(...payload: number[]): Uint8Array {
  return Uint8Array.of(payload.length, 0, 0, 0, 0, 0, 0, 0, ...payload);
}

const HELLO = frame(8, 0, 0, ...new Array<number>(25).fill(0));

Deno.test("AnswerDecoder decodes an answer cut at any byte, and is complete only at its end", () => {
  for (let at = 0; at < RECORDED.length; at++) {
    const decoder = decode(RECORDED.subarray(0, at));
    equal(decoder.isComplete, false, `after ${at} bytes`);
    equal(decoder.receivedBytes, at);
    decoder.push(RECORDED.subarray(at));
    equal(decoder.isComplete, true, `cut at ${at}`);
    deepEqual(decoder.version, { major: 8, minor: 0, patch: 0 });
    deepEqual([decoder.deviceCount, decoder.devices], [1, [CPU]]);
  }
});

Deno.test("AnswerDecoder decodes an answer that comes byte by byte", () => {
  deepEqual(decode(...[...RECORDED].map((byte) => Uint8Array.of(byte))).devices, [CPU]);
});

Deno.test("AnswerDecoder waits for as many devices as were announced", () => {
  const memory = (gib: number) =>
    frame(...new Uint8Array(new BigUint64Array([BigInt(gib * GIB), BigInt(32 * GIB)]).buffer));
  const decoder = decode(HELLO, frame(2, 0, 0, 0), memory(3));
  equal(decoder.isComplete, false);
  decoder.push(memory(7));
  equal(decoder.isComplete, true);
  deepEqual(decoder.devices.map((device) => device.freeBytes / GIB), [3, 7]);
});

Deno.test("AnswerDecoder is complete at once for a server without a device", () => {
  equal(decode(HELLO, frame(0, 0, 0, 0)).isComplete, true);
});

for (
  const { name, hello, major } of [
    { name: "3 bytes before 4.0", hello: frame(3, 6, 1), major: 3 },
    { name: "28 bytes since 4.0", hello: HELLO, major: 8 },
    { name: "more bytes some day", hello: frame(9, ...new Array<number>(90).fill(7)), major: 9 },
  ]
) {
  Deno.test(`AnswerDecoder reads the version from a HELLO of ${name}`, () => {
    equal(decode(hello).version?.major, major);
    equal(decode(hello).isComplete, major < 4);
  });
}

for (
  const { name, chunks, message, offset } of [
    { name: "HTTP", chunks: ["HTTP/1.1"], message: /HELLO announces 3543824036068086856 bytes/, offset: 0 },
    {
      name: "a size of 2⁶⁴-1",
      chunks: [new Uint8Array(8).fill(255)],
      message: /18446744073709551615/,
      offset: 0,
    },
    { name: "a HELLO of 2 bytes", chunks: [frame(8, 0)], message: /2 bytes instead of 3 to 256/, offset: 0 },
    { name: "major version 0", chunks: [frame(0, 1, 2)], message: /major version 0/, offset: 0 },
    {
      name: "a count of 8 bytes",
      chunks: [HELLO, frame(1, 0, 0, 0, 0, 0, 0, 0)],
      message: /instead of 4/,
      offset: 36,
    },
    {
      name: "a million devices",
      chunks: [HELLO, frame(64, 66, 15, 0)],
      message: /1000000 devices/,
      offset: 36,
    },
    {
      name: "memory beyond 2⁵³ bytes",
      chunks: [HELLO, frame(1, 0, 0, 0), frame(...new Array<number>(16).fill(255))],
      message: /a device with 18446744073709551615 bytes/,
      offset: 48,
    },
    {
      name: "a byte too many",
      chunks: [RECORDED, Uint8Array.of(0)],
      message: /more bytes follow/,
      offset: 72,
    },
  ]
) {
  Deno.test(`AnswerDecoder refuses ${name} and says where`, () => {
    const bytes = chunks.map((chunk) => typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
    throws(() => decode(...bytes), { name: "RpcSyntaxError", message, offset });
  });
}

Deno.test("AnswerDecoder refuses a wrong size as soon as the size is there, not when the payload is", () => {
  throws(() => decode(Uint8Array.of(0, 0, 0, 1), Uint8Array.of(0, 0, 0, 0)), { name: "RpcSyntaxError" });
});

Deno.test("AnswerDecoder keeps the first 16 bytes for who wants to name the server", () => {
  const decoder = decode(RECORDED.subarray(0, 10), RECORDED.subarray(10));
  deepEqual(decoder.head, RECORDED.slice(0, 16));
});
