import { deepEqual, equal, throws } from "node:assert/strict";
import type { ChatEvent } from "../../../lib/dialects/chat.ts";
import {
  LlamaCompletionEvents,
  llamaCompletionEvents,
} from "../../../lib/dialects/llama_completion_events.ts";
import { recordedAnswer } from "../../fixtures/llama_server_streams.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const textOf = (events: readonly ChatEvent[]) =>
  events.map((event) => event.kind === "text" ? event.text : "").join("");

Deno.test("a recorded completion: text, then the numbers, then why it ended", () => {
  const events = new LlamaCompletionEvents().push(recordedAnswer("completion.sse"));
  equal(textOf(events), `héllo 👋 "you"\n\\\\`);
  deepEqual(events.at(-1), { kind: "finish", reason: "stop" });
  const { usage } = events.at(-2) as Extract<ChatEvent, { kind: "usage" }>;
  deepEqual([usage.promptTokens, usage.cachedTokens, usage.completionTokens], [9, 1, 21]);
  deepEqual([usage.promptMs, usage.completionMs], [3.994, 1786.055]);
});

for (const name of ["completion", "completion_logprobs"]) {
  Deno.test(`the recorded stream ${name} is the same wherever it is cut`, () => {
    const whole = recordedAnswer(`${name}.sse`);
    const want = new LlamaCompletionEvents().push(whole);
    for (let at = 1; at < whole.byteLength; at++) {
      const reader = new LlamaCompletionEvents();
      deepEqual(
        [...reader.push(whole.subarray(0, at)), ...reader.push(whole.subarray(at))],
        want,
        `at ${at}`,
      );
    }
  });
}

for (
  const { name, events } of [
    {
      name: "completion_logprobs.sse",
      events: new LlamaCompletionEvents().push(recordedAnswer("completion_logprobs.sse")),
    },
    { name: "completion.json", events: llamaCompletionEvents(recordedAnswer("completion.json")) },
  ]
) {
  Deno.test(`${name} tells each token, and the likeliest two at its place`, () => {
    const tokens = events.flatMap((event) => event.kind === "logprobs" ? event.tokens : []);
    equal(tokens.map(({ token }) => token).join(""), textOf(events));
    deepEqual(tokens.map(({ alternatives }) => alternatives.length), [2, 2, 2]);
    equal(new TextDecoder().decode(Uint8Array.from(tokens[0]!.bytes!)), tokens[0]!.token);
    deepEqual(events.at(-1), { kind: "finish", reason: "length" });
  });
}

Deno.test("without timings the counts are those of the answer", () => {
  const body = encode(
    `{"content":"","stop":true,"stop_type":"word","tokens_evaluated":7,"tokens_predicted":2}`,
  );
  const [usage, finish] = llamaCompletionEvents(body);
  equal(usage?.kind === "usage" && usage.usage.promptTokens, 7);
  equal(usage?.kind === "usage" && usage.usage.completionTokens, 2);
  deepEqual(finish, { kind: "finish", reason: "stop" });
});

Deno.test("an error inside a stream is an error", () => {
  const said = `data: {"error":{"code":500,"message":"Compute error.","type":"server_error"}}\n\n`;
  deepEqual(new LlamaCompletionEvents().push(encode(said)), [{ kind: "error", message: "Compute error." }]);
});

for (const said of ["nothing", "[1]", "null", "{}", `{"content":5}`, `{"content":null,"stop":true}`]) {
  Deno.test(`${said} is no answer`, () => {
    throws(() => llamaCompletionEvents(encode(said)), SyntaxError);
  });
}
