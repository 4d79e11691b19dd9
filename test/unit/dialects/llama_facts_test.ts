import { deepEqual } from "node:assert/strict";
import { shownFacts } from "../../../lib/dialects/llama_facts.ts";

Deno.test("shownFacts() leaves out paths, keys and texts at any depth, and nothing else", () => {
  const told = {
    model_path: "/srv/models/blobs/sha256-1",
    default_generation_settings: {
      params: { lora: [{ id: 0, path: "/l.gguf", scale: 1 }], top_k: 40 },
      n_ctx: 9,
    },
    api_key: "secret",
    slots: [{
      ...{ id: 0, prompt: "what somebody asked", generated: "what it said", n_prompt_tokens: 3 },
      params: { grammar: "root ::= secret", stop: ["secret"] },
    }],
    chat_template: "{% if x %}",
    bos_token: "<s>",
    draft: null,
  };
  deepEqual(shownFacts(told), {
    default_generation_settings: { params: { lora: [{ id: 0, scale: 1 }], top_k: 40 }, n_ctx: 9 },
    slots: [{ id: 0, n_prompt_tokens: 3 }],
    chat_template: "{% if x %}",
    bos_token: "<s>",
    draft: null,
  });
});

Deno.test("shownFacts() leaves out what was asked of each slot of a list of slots", () => {
  const slot = { id: 1, is_processing: true, next_token: [{ n_decoded: 3, params: 1 }] };
  deepEqual(shownFacts([{ ...slot, params: { json_schema: { title: "secret" } } }]), [
    { id: 1, is_processing: true, next_token: [{ n_decoded: 3 }] },
  ]);
});

for (const value of [null, 1, "text", true, []]) {
  Deno.test(`shownFacts() passes ${JSON.stringify(value)}`, () => deepEqual(shownFacts(value), value));
}
