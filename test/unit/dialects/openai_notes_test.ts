import { deepEqual } from "node:assert/strict";
import { reasoningNote } from "../../../lib/dialects/openai_notes.ts";

Deno.test("notes are chunks of one stream; the role is told once, and any text stays one event", () => {
  const word = { requestId: "r1", model: `odd "name"`, atMs: 12_345, isNote: true };
  const texts = ["first", "a\n\ndata: b"].map((text, index) =>
    new TextDecoder().decode(reasoningNote({ ...word, text, isFirst: index === 0 }))
  );
  const chunks = texts.map((text) => JSON.parse(/^data: (.*)\n\n$/.exec(text)![1]!));
  const head = { id: "chatcmpl-r1", object: "chat.completion.chunk", created: 12, model: `odd "name"` };
  deepEqual(
    chunks,
    [
      { role: "assistant", content: null, reasoning_content: "first\n" },
      { reasoning_content: "a\n\ndata: b\n" },
    ].map((delta) => ({ ...head, choices: [{ index: 0, delta, finish_reason: null }] })),
  );
});
