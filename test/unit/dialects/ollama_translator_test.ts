import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import type { StreamTranslator } from "../../../lib/dialects/exchange.ts";
import { openaiToOllama } from "../../../lib/dialects/ollama_translator.ts";
import { watchFor } from "../../../lib/dialects/watch_for.ts";
import { RECORDED_STREAMS, recordedAnswer } from "../../fixtures/llama_server_streams.ts";

const decoder = new TextDecoder();
const times = { now: () => Date.UTC(2026, 10, 21), elapsedMs: () => 500, loadMs: 3 };

function begin(kind: "chat" | "generate" = "chat"): StreamTranslator {
  return openaiToOllama({ kind, model: "m", topLogprobs: 2 }).translateStream(times);
}

/** What the client gets for pieces of a stream, as the router hands them on: whole events only. */
async function translated(
  pieces: readonly Uint8Array[],
  kind: "chat" | "generate" = "chat",
): Promise<string> {
  const watch = watchFor("openai");
  const translator = begin(kind);
  let lines = "";
  for (const piece of pieces) lines += decoder.decode(translator.push(watch.push(piece)));
  return lines + decoder.decode(await translator.end());
}

// The stream that was cut itself begins as `tool_call` does.
for (const name of RECORDED_STREAMS.filter((name) => name !== "tool_calls_cut")) {
  Deno.test(`the recorded stream ${name} is the same wherever it is cut`, async () => {
    const whole = recordedAnswer(`${name}.sse`);
    const want = await translated([whole]);
    for (let at = 1; at < whole.byteLength; at++) {
      equal(await translated([whole.subarray(0, at), whole.subarray(at)]), want, `cut at byte ${at}`);
    }
  });
}

for (const name of RECORDED_STREAMS) {
  Deno.test(`the recorded stream ${name} is the same byte by byte`, async () => {
    const whole = recordedAnswer(`${name}.sse`);
    for (const kind of ["chat", "generate"] as const) {
      const bytes = Array.from(whole, (byte) => Uint8Array.of(byte));
      equal(await translated(bytes, kind), await translated([whole], kind));
    }
  });

  Deno.test(`the recorded stream ${name} is lines of JSON, of which the last one alone ends it`, async () => {
    const lines = (await translated([recordedAnswer(`${name}.sse`)])).split("\n");
    equal(lines.pop(), "");
    const said = lines.map((line) => JSON.parse(line));
    const last = said.pop();
    deepEqual(said.filter(({ done, error }) => done !== false || error !== undefined), []);
    if (name === "error") deepEqual(last, { error: "Compute error." });
    else equal(last.done, true);
  });
}

Deno.test("a recorded call becomes one object, one that was cut is left out", async () => {
  for (const name of ["tool_call", "tool_calls_cut"]) {
    const lines = (await translated([recordedAnswer(`${name}.sse`)])).trim().split("\n");
    equal(lines.length, 2);
    const { message, done } = JSON.parse(lines[0]!);
    equal(done, false);
    equal(message.tool_calls.length, 1);
    deepEqual(message.tool_calls[0].function, { index: 0, name: "look", arguments: { place: "home", n: 7 } });
  }
});

Deno.test("a recorded whole answer becomes one object", async () => {
  const { translateWhole } = openaiToOllama({ kind: "chat", model: "m", topLogprobs: 0 });
  const said = JSON.parse(decoder.decode(await translateWhole(recordedAnswer("reasoning.json"), times)));
  deepEqual(said.message, { role: "assistant", content: "hello", thinking: "look here\n" });
  equal(said.done_reason, "stop");
  equal(said.logprobs.length > 5, true);
});

Deno.test("what the model went on from is not told again", async () => {
  const { translateWhole } = openaiToOllama({ kind: "chat", model: "m" }, "hel");
  const said = JSON.parse(decoder.decode(await translateWhole(recordedAnswer("reasoning.json"), times)));
  equal(said.message.content, "lo");
});

Deno.test("an answer that cannot be understood breaks off", async () => {
  const { translateWhole } = openaiToOllama({ kind: "chat", model: "m" });
  throws(() => translateWhole(new TextEncoder().encode("<html>"), times), SyntaxError);
  await rejects(translated([new TextEncoder().encode("data: [DONE]\n\n")]), SyntaxError);
});
