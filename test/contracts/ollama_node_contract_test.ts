import { deepEqual, equal } from "node:assert/strict";
import { FakeOllamaNode } from "../fakes/fake_ollama_node.ts";
import { OLLAMA_EXCHANGES } from "../fixtures/ollama_node/exchanges.ts";
import { findOllama, startOllama } from "../fixtures/ollama_node/real_ollama.ts";
import { exchange, readTranscript, recordedVersions } from "../fixtures/ollama_node/transcript.ts";
import { type NodeUnderTest, ollamaNodeContract } from "./ollama_node_contract.ts";
import { answerShape } from "./ollama_answer_shape.ts";

const versions = recordedVersions();

for (const version of versions) {
  ollamaNodeContract({ name: `fake Ollama ${version}`, start: () => startFake(version, 20) });
}

const found = await findOllama();
ollamaNodeContract(
  "skip" in found
    ? { name: `real Ollama (skipped: ${found.skip})`, ignore: true, start: () => Promise.reject(found.skip) }
    : { name: "real Ollama", start: () => startOllama(found.path) },
);

for (const version of versions) {
  Deno.test(`fake Ollama ${version} answers in the form that the real one was recorded in`, async (t) => {
    await using fake = await startFake(version, 0);
    for (const request of OLLAMA_EXCHANGES) {
      await t.step(request.name, async () => {
        const recorded = await readTranscript(version, request.name);
        deepEqual(recorded.request, request, "the transcript is of another request: record it again");
        equal(recorded.version, version);
        const answer = await exchange(fake.url, request);
        equal(answer.status, recorded.answer.status, answer.body);
        deepEqual(answer.headers, recorded.answer.headers);
        deepEqual(answerShape(answer.body), answerShape(recorded.answer.body));
        if (answer.status >= 400) equal(answer.body.trimEnd(), recorded.answer.body.trimEnd());
      });
    }
  });
}

/** A fake that holds what the real ones were given: the tiny model. */
async function startFake(version: string, tokensPerSecond: number): Promise<NodeUnderTest> {
  const fake = await FakeOllamaNode.start({
    version,
    parallel: 1,
    tokensPerSecond,
    answer: "word ".repeat(500),
    models: [{
      name: "tiny:latest",
      sizeBytes: 2_654_283,
      parameterCount: 1_316_224,
      quantization: "F16",
      contextLength: 32_768,
      embeddingLength: 128,
      blockCount: 8,
      headCount: 4,
      kvHeadCount: 2,
      capabilities: ["completion"],
    }],
  });
  return {
    url: fake.url,
    crashRunner: () => Promise.resolve(fake.behave("runner_crash", { afterTokens: 0 })),
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}
