import { deepEqual, equal, rejects } from "node:assert/strict";
import { type GenerateAnswerForm, toOllamaGenerate } from "../../../lib/dialects/ollama_generate_answer.ts";
import { watchFor } from "../../../lib/dialects/watch_for.ts";
import { recordedAnswer } from "../../fixtures/llama_server_streams.ts";

const decoder = new TextDecoder();
const times = { now: () => Date.UTC(2026, 10, 21), elapsedMs: () => 9_000, loadMs: 3 };
const codesOf = (answer: string) => Promise.resolve(Array.from(answer, (letter) => letter.codePointAt(0)!));

const COMPLETION: GenerateAnswerForm = {
  kind: "generate",
  from: "completion",
  model: "m",
  topLogprobs: 2,
  contextOf: codesOf,
};
const CHAT: GenerateAnswerForm = { ...COMPLETION, from: "chat" };

/** What the client gets for pieces of a stream, as the router hands them on: whole events only. */
async function translated(pieces: readonly Uint8Array[], form: GenerateAnswerForm): Promise<string> {
  const watch = watchFor(form.from === "chat" ? "openai" : "completion");
  const translator = toOllamaGenerate(form).translateStream(times);
  let lines = "";
  for (const piece of pieces) lines += decoder.decode(translator.push(watch.push(piece)));
  return lines + decoder.decode(await translator.end());
}

for (
  const { name, form } of [
    { name: "completion", form: COMPLETION },
    { name: "completion_logprobs", form: COMPLETION },
    { name: "text", form: CHAT },
    { name: "error", form: CHAT },
  ]
) {
  Deno.test(`the recorded stream ${name} is the same wherever it is cut, and byte by byte`, async () => {
    const whole = recordedAnswer(`${name}.sse`);
    const want = await translated([whole], form);
    for (let at = 1; at < whole.byteLength; at++) {
      equal(await translated([whole.subarray(0, at), whole.subarray(at)], form), want, `cut at byte ${at}`);
    }
    equal(await translated(Array.from(whole, (byte) => Uint8Array.of(byte)), form), want);
  });
}

Deno.test("a recorded completion as Ollama tells it: lines, then the statistics with the context", async () => {
  const lines = (await translated([recordedAnswer("completion.sse")], COMPLETION)).trimEnd().split("\n");
  const said = lines.map((line) => JSON.parse(line));
  const text = said.map(({ response }) => response).join("");
  equal(text, `héllo 👋 "you"\n\\\\`);
  deepEqual(said.slice(0, -1).map(({ done }) => done), Array(said.length - 1).fill(false));
  const { created_at: _, ...last } = said.at(-1);
  deepEqual(last, {
    model: "m",
    response: "",
    done: true,
    done_reason: "stop",
    context: await codesOf(text),
    total_duration: 9_000_000_000,
    load_duration: 3_000_000,
    prompt_eval_count: 9,
    prompt_eval_duration: 3_994_000,
    eval_count: 21,
    eval_duration: 1_786_055_000,
  });
  deepEqual(Object.keys(said.at(-1)).slice(0, 6), [
    ...["model", "created_at", "response", "done", "done_reason", "context"],
  ]);
});

Deno.test("logarithms stand in the line of their token", async () => {
  const lines = (await translated([recordedAnswer("completion_logprobs.sse")], COMPLETION)).trimEnd().split(
    "\n",
  );
  const said = lines.map((line) => JSON.parse(line));
  for (const { response, logprobs } of said.slice(0, 3)) {
    equal(logprobs[0].token, response);
    equal(logprobs[0].top_logprobs.length, 2);
  }
});

Deno.test("a whole completion is one object", async () => {
  const body = await toOllamaGenerate(COMPLETION).translateWhole(recordedAnswer("completion.json"), times);
  const said = JSON.parse(decoder.decode(body));
  equal(said.logprobs.length, 3);
  deepEqual([said.done, said.done_reason, said.eval_count], [true, "length", 3]);
  deepEqual(said.context, await codesOf(said.response));
});

Deno.test("without a context there is none", async () => {
  for (const contextOf of [undefined, () => Promise.resolve(undefined)]) {
    const lines = await translated([recordedAnswer("completion.sse")], { ...COMPLETION, contextOf });
    equal(lines.includes("context"), false);
    equal(lines.includes(`"done":true`), true);
  }
});

Deno.test("after an error nobody is asked for a context, and no line says that it is done", async () => {
  let askedCount = 0;
  const contextOf = () => {
    askedCount++;
    return Promise.resolve([1]);
  };
  const lines = await translated([recordedAnswer("error.sse")], { ...CHAT, contextOf });
  equal(lines.trimEnd().split("\n").at(-1), `{"error":"Compute error."}`);
  equal(lines.includes(`"done":true`), false);
  equal(askedCount, 0);
});

Deno.test("a stream that ends without its reason is no answer", async () => {
  const begun = new TextEncoder().encode(`data: {"content":"hi","stop":false}\n\n`);
  await rejects(translated([begun], COMPLETION), SyntaxError);
});
