import { equal } from "node:assert/strict";
import { openaiToOllama } from "../../lib/dialects/ollama_translator.ts";
import { watchFor } from "../../lib/dialects/watch_for.ts";
import { recordedAnswer } from "../fixtures/llama_server_streams.ts";

// A stream of 500 chunks: to translate it is to take less than 60 µs a chunk, 30 ms in all; to watch it pass, less than
// 1.3 times what it costs to read and write it.

const CHUNK_COUNT = 500;

const recorded = new TextDecoder().decode(recordedAnswer("text.sse")).split(/(?<=\n\n)/);
const [first, last] = [recorded.slice(0, 1), recorded.slice(-2)];
const words = recorded.slice(1, -2);
const chunks = [
  ...first,
  ...Array.from({ length: CHUNK_COUNT }, (_, at) => words[at % words.length]!),
  ...last,
].map((event) => new TextEncoder().encode(event));

const times = { now: () => 1_795_000_000_000, elapsedMs: () => 5_000, loadMs: 0 };

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

Deno.bench("bare pass of 500 chunks", { group: "pass", baseline: true }, async () => {
  for (const chunk of chunks) await pass(chunk);
});

Deno.bench("watched pass of 500 chunks", { group: "pass" }, async () => {
  const watch = watchFor("openai");
  for (const chunk of chunks) await pass(watch.push(chunk));
  equal(watch.isDone, true);
});

Deno.bench("translation of 500 chunks, SSE to NDJSON, without a connection", () => {
  const watch = watchFor("openai");
  const translator = openaiToOllama({ kind: "chat", model: "llama3.1:70b" }).translateStream(times);
  let byteCount = 0;
  for (const chunk of chunks) byteCount += translator.push(watch.push(chunk)).byteLength;
  equal(watch.isDone && byteCount > 0, true);
});
