import { deepEqual, equal } from "node:assert/strict";
import { FakeOllamaNode } from "../fakes/fake_ollama_node.ts";
import { findOllama, startOllama } from "../fixtures/ollama_node/real_ollama.ts";
import { TALENT_EXCHANGES, TALENTED_MODELS } from "../fixtures/ollama_node/talent_exchanges.ts";
import { exchange, readTranscript, recordedVersions } from "../fixtures/ollama_node/transcript.ts";
import { modelTalentsContract } from "./model_talents_contract.ts";
import { answerShape } from "./ollama_answer_shape.ts";

const versions = recordedVersions();

for (const version of versions) {
  modelTalentsContract({ name: `fake Ollama ${version}`, start: () => startFake(version) });
}

const found = await findOllama();
modelTalentsContract(
  "skip" in found
    ? { name: `real Ollama (skipped: ${found.skip})`, ignore: true, start: () => Promise.reject(found.skip) }
    : { name: "real Ollama", start: () => startOllama(found.path, TALENTED_MODELS) },
);

for (const version of versions) {
  Deno.test(`fake Ollama ${version} shows talents in the form that the real one was recorded in`, async (t) => {
    await using fake = await startFake(version);
    for (const request of TALENT_EXCHANGES) {
      await t.step(request.name, async () => {
        const recorded = await readTranscript(version, request.name);
        deepEqual(recorded.request, request, "the transcript is of another request: record it again");
        const answer = await exchange(fake.url, request);
        equal(answer.status, recorded.answer.status, answer.body);
        deepEqual(answer.headers, recorded.answer.headers);
        deepEqual(answerShape(answer.body), answerShape(recorded.answer.body));
        if (answer.status >= 400) equal(answer.body.trimEnd(), recorded.answer.body.trimEnd());
      });
    }
  });
}

const CAPABILITIES = {
  tools: ["completion", "tools"],
  thinking: ["completion", "thinking"],
  embedding: ["embedding"],
} as const;

function startFake(version: string): Promise<FakeOllamaNode> {
  const models = TALENTED_MODELS.map(({ name, talent }) => {
    return { name: `${name}:latest`, capabilities: CAPABILITIES[talent] };
  });
  return FakeOllamaNode.start({ version, models });
}
