import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { dirname } from "node:path";
import OpenAI from "openai";
import { eventually } from "./eventually.ts";
import { Program } from "./program.ts";
import { Sandbox } from "./sandbox.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const llamaTest = await withLlamaCpp();

const QUESTION = [{ role: "user", content: "Tell me about the shelf" }] as const;
const WORDS = /[a-z]{2,} [a-z]{2,}/;

/** A demo that stays up, asked by the official SDK, and then interrupted: nothing may be left. */
function test(name: string, body: (client: OpenAI, url: string) => Promise<void>): void {
  llamaTest(name, async ({ llamaServer }) => {
    await using sandbox = await Sandbox.create([dirname(llamaServer)]);
    await using demo = Program.start(sandbox, ["demo", "--json", "--listen", "127.0.0.1:0"]);
    await demo.stdout.until(/^\}$/m);
    const { url } = JSON.parse(demo.stdout.text);
    await body(new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 }), url);
    demo.signal("SIGINT");
    const { code, stderr } = await demo.ended;
    equal(code, 0, stderr);
    await sandbox.assertEmpty();
  });
}

test("the official SDK lists the models and finds one by its name", async (client) => {
  const listed = (await client.models.list()).data.map(({ id }) => id);
  deepEqual(listed, ["tiny:latest"]);
  equal((await client.models.retrieve("tiny")).id, "tiny:latest");
});

test("the official SDK gets a whole answer", async (client) => {
  const answer = await client.chat.completions.create({
    model: "tiny",
    messages: [...QUESTION],
    max_tokens: 24,
  });
  match(answer.choices[0]!.message.content!, WORDS);
  equal(answer.choices[0]!.finish_reason, "length");
  equal(answer.usage!.completion_tokens, 24);
});

test("the official SDK gets a streamed answer", async (client) => {
  const { text, finishReason, tokenCount } = await streamed(client, 24);
  match(text, WORDS);
  deepEqual({ finishReason, tokenCount }, { finishReason: "length", tokenCount: 24 });
});

test("the official SDK tells an unknown model by its own error, and can go on", async (client) => {
  const asked = client.chat.completions.create({ model: "tinny", messages: [...QUESTION] });
  await rejects(asked, (error) => {
    ok(error instanceof OpenAI.NotFoundError);
    equal(error.code, "model_not_found");
    match(error.message, /Cannot find model "tinny".*did you mean "tiny:latest"\?/);
    return true;
  });
  equal((await streamed(client, 4)).tokenCount, 4);
});

test("twenty clients at once get twenty whole answers", async (client) => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => streamed(client, 24)));
  equal(answers.length, 20);
  for (const { text, finishReason, tokenCount } of answers) {
    match(text, WORDS);
    deepEqual({ finishReason, tokenCount }, { finishReason: "length", tokenCount: 24 });
  }
});

test("a client that leaves amid a stream is no more in flight within 2 s", async (client, url) => {
  const inFlightCount = async () => {
    return (await (await fetch(`${url}/health`)).json()).coordinators[0].inFlightCount;
  };
  const stream = await ask(client, 3_000);
  for await (const _chunk of stream) break; // it leaves at the first word
  stream.controller.abort();
  await eventually("the slot is free", async () => await inFlightCount() === 0, 2_000);
  equal((await streamed(client, 4)).tokenCount, 4);
});

function ask(client: OpenAI, maxTokens: number) {
  return client.chat.completions.create({
    model: "tiny",
    messages: [...QUESTION],
    max_tokens: maxTokens,
    stream: true,
    stream_options: { include_usage: true },
  });
}

/** Reads a stream until its iterator ends: the SDK throws at an error event. */
async function streamed(client: OpenAI, maxTokens: number) {
  let text = "";
  let finishReason: string | undefined;
  let tokenCount: number | undefined;
  for await (const { choices: [choice], usage } of await ask(client, maxTokens)) {
    text += choice?.delta.content ?? "";
    finishReason = choice?.finish_reason ?? finishReason;
    tokenCount = usage?.completion_tokens ?? tokenCount;
  }
  return { text, finishReason, tokenCount };
}
