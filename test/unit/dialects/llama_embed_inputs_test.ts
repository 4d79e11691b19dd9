import { deepEqual, equal, rejects } from "node:assert/strict";
import { EmbedInputs, type EmbedMeasure } from "../../../lib/dialects/llama_embed_inputs.ts";
import { GatewayError } from "../../../lib/errors.ts";

/** One token a letter, and what a model may want around them. */
function measure(
  wishes: Partial<Pick<EmbedMeasure, "contextSize" | "truncate">> & { before?: number[]; behind?: number[] },
): EmbedMeasure & { readonly asked: string[] } {
  const { contextSize, truncate = true, before = [1], behind = [2] } = wishes;
  const asked: string[] = [];
  return {
    contextSize,
    truncate,
    asked,
    tokenize: (text, hasSpecial) => {
      asked.push(text);
      const tokens = Array.from(text, (letter) => letter.codePointAt(0)!);
      return Promise.resolve(hasSpecial ? [...before, ...tokens, ...behind] : tokens);
    },
  };
}

const LONG = "abcdefghij".repeat(10);
const CODES = Array.from(LONG, (letter) => letter.codePointAt(0)!);

Deno.test("short texts are sent as they are, and nobody is asked", async () => {
  const measured = measure({ contextSize: 50 });
  deepEqual((await EmbedInputs.measure(["hello", ""], measured)).said, ["hello", ""]);
  deepEqual(measured.asked, []);
});

Deno.test("a text that only looks too long is sent as it is", async () => {
  const text = "é".repeat(40);
  deepEqual((await EmbedInputs.measure([text], measure({ contextSize: 50 }))).said, [text]);
});

for (
  const { name, before, behind } of [
    { name: "both", before: [1], behind: [2] },
    { name: "one before it", before: [1], behind: [] },
    { name: "one behind it", before: [], behind: [2] },
    { name: "none", before: [], behind: [] },
  ]
) {
  Deno.test(`a text that is too long keeps its special tokens: ${name}`, async () => {
    const inputs = await EmbedInputs.measure(["x", LONG], measure({ contextSize: 50, before, behind }));
    const rest = 50 - before.length - behind.length;
    deepEqual(inputs.said, ["x", [...before, ...CODES.slice(0, rest), ...behind]]);
  });
}

Deno.test("a text that must not be cut is refused in Ollama's words", async () => {
  const measured = measure({ contextSize: 50, truncate: false });
  await rejects(() => EmbedInputs.measure([LONG], measured), (error: unknown) => {
    equal(error instanceof GatewayError && error.status, 400);
    equal((error as Error).message, "the input length exceeds the context length");
    return true;
  });
});

Deno.test("where nobody knows the room, a refusal tells it", async () => {
  const long = LONG.repeat(6);
  const inputs = await EmbedInputs.measure(["x", long], measure({ contextSize: undefined }));
  deepEqual(inputs.said, ["x", long]);
  const cut = inputs.cutTo(512)!;
  const [short, tokens] = cut.said;
  deepEqual([short, tokens!.length], ["x", 512]);
  equal(cut.cutTo(512), undefined);
  equal(cut.cutTo(600), undefined);
  equal(cut.cutTo(10)!.said[1]!.length, 10);
});

Deno.test("nothing is cut where the refusal was about something else, or nothing may be cut", async () => {
  const long = LONG.repeat(6);
  const inputs = await EmbedInputs.measure([long], measure({ contextSize: undefined }));
  equal(inputs.cutTo(undefined), undefined);
  equal(inputs.cutTo(1_000), undefined);
  const fixed = await EmbedInputs.measure([long], measure({ contextSize: undefined, truncate: false }));
  equal(fixed.cutTo(512), undefined);
});

Deno.test("however little room there is, the tries come to an end", async () => {
  let inputs: EmbedInputs | undefined = await EmbedInputs.measure([LONG], measure({ contextSize: 50 }));
  let count = 0;
  for (let room = 49; inputs; room = Math.floor(room / 2)) {
    equal(++count < 20, true);
    inputs = inputs.cutTo(room);
  }
});

Deno.test("many long texts are measured several at a time, each by one question, and keep their order", async () => {
  const texts = Array.from({ length: 40 }, (_, at) => `${at}`.padEnd(at % 2 ? 100 : 5, "x"));
  const { tokenize, ...measured } = measure({ contextSize: 50 });
  let [questionCount, openCount, mostOpen] = [0, 0, 0];
  const inputs = await EmbedInputs.measure(texts, {
    ...measured,
    async tokenize(text, hasSpecial) {
      questionCount++;
      mostOpen = Math.max(mostOpen, ++openCount);
      for (let turn = 0; turn < text.length; turn++) await Promise.resolve();
      openCount--;
      return await tokenize(text, hasSpecial);
    },
  });
  deepEqual([questionCount, mostOpen], [20 + 2, 8]);
  for (const [at, said] of inputs.said.entries()) {
    if (at % 2 === 0) equal(said, texts[at]);
    else deepEqual(said.slice(1, 3), Array.from(texts[at]!.slice(0, 2), (letter) => letter.codePointAt(0)));
  }
});

Deno.test("texts that cannot be measured are not sent", async () => {
  const failing = { contextSize: 50, truncate: true, tokenize: () => Promise.reject(new TypeError("gone")) };
  await rejects(() => EmbedInputs.measure(["x", LONG], failing), /gone/);
});
