import { deepEqual, equal, notEqual } from "node:assert/strict";
import { conversationTurns } from "../../../lib/dialects/conversation.ts";

const message = (content: unknown, role = "user") => ({ role, content });

Deno.test("a conversation that goes on begins as it did before", () => {
  const before = [message("Be brief.", "system"), message("Hello")];
  const after = [...before, message("Hi!", "assistant"), message("Who are you?")];
  deepEqual(conversationTurns(after).slice(0, 2), conversationTurns(before));
});

for (
  const { name, other } of [
    { name: "another text", other: [message("Hallo")] },
    { name: "another role", other: [message("Hello", "assistant")] },
    { name: "parts in place of a text", other: [message([{ type: "text", text: "Hello" }])] },
    { name: "the same text in two messages", other: [message("Hel"), message("lo")] },
  ]
) {
  Deno.test(`${name} is another conversation`, () => {
    notEqual(conversationTurns(other).at(-1), conversationTurns([message("Hello")]).at(-1));
  });
}

Deno.test("long messages are told apart by their ends, their beginnings and their lengths", () => {
  const long = "x".repeat(100_000);
  const last = (text: string) => conversationTurns([message(text)])[0];
  equal(new Set([long, `${long}y`, `y${long}`, `${long}x`].map(last)).size, 4);
});

Deno.test("a million messages leave a bounded number of turns", () => {
  equal(conversationTurns(Array.from({ length: 100_000 }, () => message("a"))).length, 256);
});

Deno.test("messages without content, or with what no text is, are no obstacle", () => {
  equal(conversationTurns([{ role: "user" }, message(null), message(5), message(undefined)]).length, 4);
});
