import { equal } from "node:assert/strict";
import { AnthropicAnswerStream } from "../../lib/dialects/anthropic_answer.ts";
import { PassingMessages } from "../../lib/dialects/anthropic_passing.ts";
import type { StreamFormat, StreamTranslator } from "../../lib/dialects/exchange.ts";
import { ModelEcho } from "../../lib/dialects/model_echo.ts";
import { OllamaChatEvents } from "../../lib/dialects/ollama_chat_events.ts";
import { toOllamaGenerate } from "../../lib/dialects/ollama_generate_answer.ts";
import { openaiToOllama } from "../../lib/dialects/ollama_translator.ts";
import { watchFor } from "../../lib/dialects/watch_for.ts";
import { CHUNK_COUNT, type LongStream, longStream } from "./long_stream.ts";

// Streams of 500 chunks, from the bytes of the upstream to those of the client. To translate one is to take less than 60 µs a
// chunk, 30 ms in all; to watch it pass and rename its model, less than 1.3 times what it costs to write and read it.

const model = "llama3.1:70b";
const times = { now: () => 1_795_000_000_000, elapsedMs: () => 5_000, loadMs: 0 };
const TEXT: LongStream = { path: "llama_server_streams/text.sse", repeated: '"content":"' };

interface Translation extends LongStream {
  readonly name: string;
  readonly format: StreamFormat;
  readonly begin: () => Pick<StreamTranslator, "push">;
}

const TRANSLATIONS: readonly Translation[] = [
  {
    name: "/v1/chat/completions to /api/chat: text",
    ...TEXT,
    format: "openai",
    begin: () => openaiToOllama({ kind: "chat", model }).translateStream(times),
  },
  {
    name: "/v1/chat/completions to /api/chat: arguments of a tool call",
    path: "llama_server_streams/tool_call.sse",
    repeated: '"arguments":" 7"',
    again: '"arguments":"7"',
    format: "openai",
    begin: () => openaiToOllama({ kind: "chat", model }).translateStream(times),
  },
  {
    name: "/v1/chat/completions to /api/chat: logprobs",
    path: "llama_server_streams/logprobs.sse",
    repeated: '"top_logprobs":[{',
    format: "openai",
    begin: () => openaiToOllama({ kind: "chat", model, topLogprobs: 2 }).translateStream(times),
  },
  {
    name: "/v1/chat/completions to /api/generate",
    ...TEXT,
    format: "openai",
    begin: () => toOllamaGenerate({ kind: "generate", model, from: "chat" }).translateStream(times),
  },
  {
    name: "/completion to /api/generate",
    path: "llama_server_streams/completion.sse",
    repeated: '"stop":false',
    format: "completion",
    begin: () => toOllamaGenerate({ kind: "generate", model, from: "completion" }).translateStream(times),
  },
  {
    name: "/api/chat to /v1/messages",
    path: "ollama_chat_answers/thinking.ndjson",
    repeated: '"done":false',
    format: "ollama",
    begin: ollamaToAnthropic,
  },
  {
    name: "llama-server's /v1/messages, mended",
    path: "llama_server_messages/thinking.sse",
    repeated: '"type":"text_delta"',
    format: "anthropic",
    begin: () => new PassingMessages({ requestId: "req-1", model }),
  },
];

function ollamaToAnthropic(): Pick<StreamTranslator, "push"> {
  const reader = new OllamaChatEvents();
  const answer = new AnthropicAnswerStream({ requestId: "req-1", model, promptTokens: 10 });
  return { push: (bytes) => answer.push(reader.push(bytes)) };
}

for (const { name, format, begin, ...stream } of TRANSLATIONS) {
  const chunks = longStream(stream);
  Deno.bench(name, () => {
    const watch = watchFor(format);
    const translator = begin();
    let byteCount = 0;
    for (const chunk of chunks) byteCount += translator.push(watch.push(chunk).slice()).byteLength;
    equal(watch.isDone && byteCount > CHUNK_COUNT, true);
  });
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const [sender, receiver] = await Promise.all([
  Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
  listener.accept(),
]);
const received = new Uint8Array(64 * 1024);

/** Over a real connection, as each chunk comes and goes. */
async function pass(bytes: Uint8Array): Promise<void> {
  await sender.write(bytes);
  for (let count = 0; count < bytes.byteLength;) count += (await receiver.read(received))!;
}

const passing = longStream(TEXT);

Deno.bench("bare pass", { group: "pass", baseline: true }, async () => {
  for (const chunk of passing) await pass(chunk);
});

Deno.bench("watched pass", { group: "pass" }, async () => {
  const watch = watchFor("openai");
  for (const chunk of passing) await pass(watch.push(chunk).slice());
  equal(watch.isDone, true);
});

Deno.bench("watched pass, its model renamed", { group: "pass" }, async () => {
  const watch = watchFor("openai");
  const echo = new ModelEcho(model);
  for (const chunk of passing) await pass(echo.inEvents(watch.push(chunk).slice()));
  equal(watch.isDone, true);
});
