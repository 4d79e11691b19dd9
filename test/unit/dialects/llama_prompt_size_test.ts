import { deepEqual, equal } from "node:assert/strict";
import { cutInTheMiddle, mayExceed } from "../../../lib/dialects/llama_prompt_size.ts";

for (
  const { name, text, contextSize, want } of [
    { name: "a short text", text: "hello", contextSize: 512, want: false },
    { name: "as many bytes as there is room", text: "x".repeat(512), contextSize: 512, want: true },
    { name: "few letters of many bytes", text: "👋".repeat(127), contextSize: 512, want: true },
    {
      name: "anything where nobody knows the room",
      text: "x".repeat(9_999),
      contextSize: undefined,
      want: false,
    },
    { name: "nothing", text: "", contextSize: 512, want: false },
  ]
) {
  Deno.test(`${name} ${want ? "may" : "cannot"} be too long`, () => {
    equal(mayExceed(text, contextSize), want);
  });
}

const tokens = (count: number) => Array.from({ length: count }, (_, at) => at);

Deno.test("a long prompt keeps its first tokens and half of the rest of the room, as Ollama 0.33 was seen to do", () => {
  const cut = cutInTheMiddle(tokens(4_801), { contextSize: 512 });
  equal(cut.length, 259);
  deepEqual(cut.slice(0, 6), [0, 1, 2, 3, 4, 4_801 - 254]);
  equal(cut.at(-1), 4_800);
});

for (const keep of [-1, 0, 4, 100, 511, 512, 1_000_000]) {
  Deno.test(`with ${keep} to keep there is room left for an answer`, () => {
    for (const contextSize of [16, 511, 512, 4_096]) {
      const cut = cutInTheMiddle(tokens(contextSize * 3), { contextSize, keep });
      equal(cut.length < contextSize, true, `${cut.length} of ${contextSize}`);
      equal(cut[0], 0);
      equal(cut.at(-1), contextSize * 3 - 1);
      equal(new Set(cut).size, cut.length);
    }
  });
}
