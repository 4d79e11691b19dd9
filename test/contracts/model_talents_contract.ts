import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type OllamaExchange } from "../fixtures/ollama_node/exchanges.ts";
import { TALENT_EXCHANGES } from "../fixtures/ollama_node/talent_exchanges.ts";
import { exchange } from "../fixtures/ollama_node/transcript.ts";

/** A node that holds `caller`, `thinker` and `embedder`. */
export interface TalentedNode extends AsyncDisposable {
  readonly url: string;
}

/** What the contract is run against. */
export interface TalentSubject {
  /** Told in the name of each test. */
  readonly name: string;
  readonly start: () => Promise<TalentedNode>;
  /** Skips the tests; `name` then says why. */
  readonly ignore?: boolean;
}

// deno-lint-ignore no-explicit-any -- what a server answers
type Json = any;

/** What we rely on in Ollama 0.17 and later where a model calls tools, thinks, keeps to a form or embeds. */
export function modelTalentsContract({ name, start, ignore = false }: TalentSubject): void {
  const test = (sentence: string, body: (url: string) => Promise<void>) =>
    Deno.test({
      name: `${name} ${sentence}`,
      ignore,
      async fn() {
        await using node = await start();
        await body(node.url);
      },
    });

  test("tells a call whole, with an id, in a line that is not the last", async (url) => {
    const lines = linesOf(await ask(url, "talent_chat_tools_stream"));
    const index = lines.findIndex(({ message }) => message.tool_calls !== undefined);
    const [{ id, function: called }] = lines[index].message.tool_calls;
    match(id, /^call_\w{8}$/);
    deepEqual(called, { index: 0, name: "get_weather", arguments: { city: "Paris" } });
    deepEqual([lines[index].done, lines.at(-1).done_reason], [false, "stop"]);
    const whole = JSON.parse(await ask(url, "talent_chat_tools_whole"));
    deepEqual([whole.message.content, whole.done_reason], ["", "stop"]);
    equal(whole.message.tool_calls.length, 1);
    equal(JSON.parse(await ask(url, "talent_chat_tool_result_whole")).message.tool_calls, undefined);
  });

  test("tells OpenAI's clients a call in one piece, and why it stopped", async (url) => {
    const whole = JSON.parse(await ask(url, "talent_v1_chat_tools_whole"));
    const [{ message, finish_reason }] = whole.choices;
    equal(finish_reason, "tool_calls");
    deepEqual(JSON.parse(message.tool_calls[0].function.arguments), { city: "Paris" });
    const choices = eventsOf(await ask(url, "talent_v1_chat_tools_stream")).flatMap((event) => event.choices);
    const calls = choices.flatMap(({ delta }) => delta.tool_calls ?? []);
    deepEqual(calls.map(({ index, type, function: { name } }) => [index, type, name]), [[
      0,
      "function",
      "get_weather",
    ]]);
    equal(choices.at(-1).finish_reason, "tool_calls");
  });

  test("keeps to a schema, in both of its APIs", async (url) => {
    for (const exchange of ["talent_chat_format_whole", "talent_v1_chat_format"]) {
      const answer = JSON.parse(await ask(url, exchange));
      const { city, isSunny } = JSON.parse((answer.message ?? answer.choices[0].message).content);
      deepEqual([city, typeof isSunny], ["Paris", "boolean"]);
    }
    const lines = linesOf(await ask(url, "talent_chat_format_stream"));
    equal(JSON.parse(lines.map(({ message }) => message.content).join("")).city, "Paris");
  });

  test("tells thoughts before words, unless it is told not to think", async (url) => {
    const lines = linesOf(await ask(url, "talent_chat_thinking_stream"));
    const kinds = lines.slice(0, -1).map((
      { message: { thinking, content } },
    ) => [!!thinking, content !== ""]);
    const firstWord = kinds.findIndex(([, hasText]) => hasText);
    ok(firstWord > 0 && kinds.every(([isThought], index) => isThought === (index < firstWord)), `${kinds}`);
    equal(JSON.parse(await ask(url, "talent_chat_thinking_off")).message.thinking, undefined);
    const { choices } = JSON.parse(await ask(url, "talent_v1_chat_thinking_whole"));
    ok(choices[0].message.reasoning.length > 0);
    ok(JSON.parse(await ask(url, "talent_generate_thinking")).thinking.length > 0);
  });

  test("tells how likely its words were, where that is asked", async (url) => {
    const { message, logprobs } = JSON.parse(await ask(url, "talent_chat_logprobs_whole"));
    equal(logprobs.map(({ token }: Json) => token).join(""), message.content);
    ok(logprobs.every(({ logprob, top_logprobs }: Json) => logprob <= 0 && top_logprobs.length === 1));
    const { choices } = JSON.parse(await ask(url, "talent_v1_chat_logprobs_whole"));
    equal(choices[0].logprobs.content.length, 2);
  });

  test("answers in OpenAI's responses, streamed by numbered events", async (url) => {
    const whole = JSON.parse(await ask(url, "talent_responses_whole"));
    deepEqual([whole.object, whole.status, whole.output[0].type], ["response", "completed", "message"]);
    const events = eventsOf(await ask(url, "talent_responses_stream"));
    deepEqual(events.map(({ sequence_number }) => sequence_number), [...events.keys()]);
    deepEqual([events[0].type, events.at(-1).type], ["response.created", "response.completed"]);
    const deltas = events.filter(({ type }) => type === "response.output_text.delta");
    equal(deltas.map(({ delta }) => delta).join(""), events.at(-1).response.output[0].content[0].text);
    const { output: [called] } = JSON.parse(await ask(url, "talent_responses_tools_whole"));
    deepEqual([called.type, called.name, JSON.parse(called.arguments)], ["function_call", "get_weather", {
      city: "Paris",
    }]);
  });

  test("cuts vectors to the dimensions that are asked for, and makes them units again", async (url) => {
    const { embeddings } = JSON.parse(await ask(url, "talent_embed_dimensions"));
    deepEqual(embeddings.map((vector: number[]) => vector.length), [4, 4]);
    ok(embeddings.every((vector: number[]) => Math.abs(Math.hypot(...vector) - 1) < 1e-3));
  });
}

async function ask(url: string, name: string): Promise<string> {
  const request = TALENT_EXCHANGES.find((one): one is OllamaExchange => one.name === name)!;
  const { status, body } = await exchange(url, request);
  equal(status, 200, body);
  return body;
}

function linesOf(body: string): Json[] {
  return body.trimEnd().split("\n").map((line) => JSON.parse(line));
}

function eventsOf(body: string): Json[] {
  const data = body.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
  return data.filter((text) => text !== "[DONE]").map((text) => JSON.parse(text));
}
