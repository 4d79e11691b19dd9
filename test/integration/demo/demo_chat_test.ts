import { deepEqual } from "node:assert/strict";
import { sendDemoChat } from "../../../lib/demo/demo_chat.ts";
import { HttpClient } from "../../../lib/http/client.ts";

const EVENTS = [
  { choices: [{ delta: { role: "assistant", content: null } }] },
  ...["a", " b", " c"].map((content) => ({ choices: [{ delta: { content } }] })),
  { choices: [], timings: { predicted_per_second: 12 } },
];

Deno.test("sendDemoChat() tells once that the answer begins: the spinner was redrawn for every token", async () => {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    const text = EVENTS.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("") + "data: [DONE]\n\n";
    return new Response(text, { headers: { "x-sollol-decision": "because", "x-sollol-load-ms": "5" } });
  });
  using http = new HttpClient();
  let beginCount = 0;
  const answer = await sendDemoChat(http, {
    url: `http://127.0.0.1:${server.addr.port}`,
    model: "tiny",
    prompt: "a",
    maxTokens: 3,
    signal: new AbortController().signal,
    onAnswer: () => beginCount++,
  });
  deepEqual([beginCount, answer], [1, {
    answer: "a b c",
    tokenCount: 3,
    tokensPerSecond: 12,
    decision: "because",
    loadMs: 5,
  }]);
});
