import { deepEqual, equal, throws } from "node:assert/strict";
import { tinyVocabulary } from "../../../lib/gguf/tiny_vocabulary.ts";
import { Vocabulary } from "../../../lib/gguf/vocabulary.ts";

type Token = readonly [piece: string, type: number];

function vocabulary(tokenizer: string, tokens: readonly Token[]): Vocabulary | undefined {
  return Vocabulary.from({ tokenizer, ...parts(tokens) });
}

function parts(tokens: readonly Token[]): { tokens: Uint8Array; types: Uint8Array } {
  const bytes = tokens.flatMap(([piece]) => {
    const text = new TextEncoder().encode(piece);
    return [...new Uint8Array(new BigUint64Array([BigInt(text.byteLength)]).buffer), ...text];
  });
  return {
    tokens: new Uint8Array(bytes),
    types: new Uint8Array(new Int32Array(tokens.map(([, type]) => type)).buffer),
  };
}

const bytesOf = (count: number): Token[] =>
  Array.from({ length: count }, (_, byte) => [`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, 6]);

const SENTENCE_PIECES: Token[] = [
  ...bytesOf(256), // 0 to 255
  ["\u2581his", 1],
  ["\u2581t", 1],
  ["his", 1],
  ["A", 1],
  ["\u2581this", 1], // 260
  ["<|tool|>", 4],
  ["</s>", 3],
  ["A", 1],
  ["\u2581", 1],
];

const sentencePieces: { text: string; want: number[] | undefined }[] = [
  { text: " his", want: [256] },
  { text: "his", want: [258] },
  { text: "A", want: [259] },
  { text: " ", want: [264] },
  { text: "\n", want: [10] },
  { text: "\u00e9", want: [0xc3, 0xa9] },
  { text: "\u{1F600}", want: [0xf0, 0x9f, 0x98, 0x80] },
  { text: " this", want: [260] },
  { text: " his this", want: [256, 260] },
  { text: " thisA\u00e9", want: [260, 259, 0xc3, 0xa9] },
  { text: "<|tool|>", want: [261] },
];
for (const { text, want } of sentencePieces) {
  Deno.test(`SentencePiece says ${JSON.stringify(text)} by ${JSON.stringify(want)}`, () => {
    deepEqual(vocabulary("llama", SENTENCE_PIECES)!.idsOf(text), want);
  });
}

const BYTE_PAIRS: Token[] = [
  ["\u0120the", 1],
  ["\u010a", 1],
  ["\u00c3\u00a9", 1],
  ["\u00f0\u0141", 1], // the bytes F0 9F, and 98 80
  ["\u013a\u0122", 1],
  ["<think>", 4],
  ["\u0120", 1],
];

const bytePairs: { text: string; want: number[] | undefined }[] = [
  { text: " the", want: [0] },
  { text: "\n", want: [1] },
  { text: "\u00e9", want: [2] },
  { text: "\u{1F600}", want: [3, 4] },
  { text: " the\n", want: [0, 1] },
  { text: "<think>", want: [5] },
  { text: "\u0120", want: undefined },
  { text: "q", want: undefined },
];
for (const { text, want } of bytePairs) {
  Deno.test(`byte pairs say ${JSON.stringify(text)} by ${JSON.stringify(want)}`, () => {
    const known = vocabulary("gpt2", BYTE_PAIRS)!;
    deepEqual(known.idsOf(text), want);
  });
}

Deno.test("a control token is never what a text means", () => {
  equal(vocabulary("gpt2", [["</s>", 3]])!.idsOf("</s>"), undefined);
});

Deno.test("other tokenizers do not tell their tokens by text", () => {
  for (const tokenizer of ["bert", "t5", "", "constructor"]) equal(vocabulary(tokenizer, []), undefined);
});

Deno.test("every word of the tiny model is one token", () => {
  const tokens = tinyVocabulary();
  const known = vocabulary("llama", tokens.map(({ piece, type }) => [piece, type]))!;
  tokens.forEach(({ piece, type }, id) => {
    if (type === 1) deepEqual(known.idsOf(piece.replaceAll("\u2581", " ")), [id], piece);
  });
});

Deno.test("damaged parts are refused", () => {
  const { tokens, types } = parts(BYTE_PAIRS);
  const damaged = [
    { tokens: tokens.slice(0, -1), types },
    { tokens: tokens.slice(0, 4), types },
    { tokens, types: types.slice(4) },
    { tokens: new Uint8Array(8).fill(255), types },
    { tokens: new Uint8Array(), types },
  ];
  for (const part of damaged) throws(() => Vocabulary.from({ tokenizer: "gpt2", ...part }), SyntaxError);
});

Deno.test("a text that is far too long is given up at once", () => {
  equal(vocabulary("llama", SENTENCE_PIECES)!.idsOf("A".repeat(10_000)), undefined);
  equal(vocabulary("llama", SENTENCE_PIECES)!.idsOf("A".repeat(4_000))!.length, 4_000);
});
