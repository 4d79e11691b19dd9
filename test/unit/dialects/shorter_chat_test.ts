import { deepEqual, equal, ok } from "node:assert/strict";
import type { ChatMessage } from "../../../lib/dialects/chat.ts";
import { shorterChat } from "../../../lib/dialects/shorter_chat.ts";

/** `s` system, `u` user, `a` assistant, `c` an assistant that calls a tool, `t` its result; all equally long. */
function chatOf(letters: string): ChatMessage[] {
  const roles: Record<string, string> = { s: "system", u: "user", a: "assistant", c: "assistant", t: "tool" };
  return Array.from(letters, (letter, at) => ({
    role: roles[letter]!,
    content: `${letter}${at}`.padEnd(100),
    media: [],
    toolCalls: letter === "c" ? [{ id: `id${at}`, name: "f", argumentsJson: "{}" }] : [],
  }));
}

const left = (messages: readonly ChatMessage[] | undefined) => messages?.map(({ content }) => content.trim());

for (
  const { name, chat, promptTokens, want } of [
    { name: "the oldest go first", chat: "uauau", promptTokens: 160, want: ["u2", "a3", "u4"] },
    {
      name: "system messages stay, wherever they are",
      chat: "suasuau",
      promptTokens: 170,
      want: ["s0", "s3", "a5", "u6"],
    },
    { name: "the last one stays, however long it is", chat: "uau", promptTokens: 100_000, want: ["u2"] },
    { name: "a result goes with its call", chat: "ucttau", promptTokens: 140, want: ["a4", "u5"] },
    { name: "a last result keeps its call", chat: "uauct", promptTokens: 100_000, want: ["c3", "t4"] },
    { name: "a result of no call goes alone", chat: "tuau", promptTokens: 101, want: ["u1", "a2", "u3"] },
    { name: "at least one goes", chat: "uau", promptTokens: 100, want: ["a1", "u2"] },
  ]
) {
  Deno.test(`a chat that is too long: ${name}`, () => {
    deepEqual(left(shorterChat(chatOf(chat), { promptTokens, wantedTokens: 100 })), want);
  });
}

for (const chat of ["", "u", "su", "ct", "sct", "sss"]) {
  Deno.test(`nothing can be left out of "${chat}"`, () => {
    equal(shorterChat(chatOf(chat), { promptTokens: 200, wantedTokens: 100 }), undefined);
  });
}

Deno.test("pictures, thoughts and calls count", () => {
  const [first, second, last] = chatOf("uau");
  const heavy = { media: [{ type: "image/png", base64: "AAAA" }], reasoning: "x".repeat(5_000) };
  const chat = [{ ...first!, ...heavy }, second!, last!];
  deepEqual(left(shorterChat(chat, { promptTokens: 200, wantedTokens: 100 })), ["a1", "u2"]);
});

Deno.test("5,000 messages are shortened at once", () => {
  const chat = chatOf("ua".repeat(2_500));
  const shorter = shorterChat(chat, { promptTokens: 100_000, wantedTokens: 4_000 })!;
  ok(shorter.length > 150 && shorter.length <= 200, `${shorter.length} messages are left`);
});
