import { deepEqual, equal, match } from "node:assert/strict";
import { noteTemplate, servedModel } from "../../../lib/coordinator/served_model.ts";
import type { GgufModel } from "../../../lib/gguf/model_info.ts";
import type { ResolvedModel } from "../../../lib/ollama/resolved_model.ts";
import { LLAMA_70B } from "../../fixtures/llama_content.ts";
import { SOME_MODEL } from "../../fixtures/model_planning.ts";

const CHATML = "{% for m in messages %}{{ m.content }}{% endfor %}";

function contentOf(model: Partial<ResolvedModel>, content: Partial<GgufModel>) {
  return {
    model: { ...SOME_MODEL, ...model },
    content: { ...LLAMA_70B, chatTemplate: CHATML, ...content },
    projector: undefined,
  };
}

function notesOf(model: Partial<ResolvedModel>, content: Partial<GgufModel> = {}): string[] {
  const notes: string[] = [];
  noteTemplate(contentOf(model, content), {
    warn: (_message, fields) => void notes.push(`${fields?.["because"]}`),
  });
  return notes;
}

Deno.test("servedModel() tells what the manifest stores, and what the file shows", () => {
  const messages = [{ role: "user", content: "a" }];
  const stored = { params: { top_k: 3 }, system: "Be brief.", messages };
  deepEqual(servedModel(contentOf(stored, {}), 2_048), {
    ...{ name: "big:latest", contextSize: 2_048, ...stored },
    ...{ capabilities: new Set(["completion"]), vocabularySize: 128_256, chatObstacle: undefined },
  });
});

Deno.test("servedModel() says that nobody can chat without a template in the file", () => {
  const served = (model: Partial<ResolvedModel>) =>
    servedModel(contentOf(model, { chatTemplate: undefined }), 9);
  match(
    served({}).chatObstacle!,
    /^Cannot chat with "big:latest": its file holds no chat template; ask for a plain/,
  );
  match(
    served({ template: "{{ .Prompt }}" }).chatObstacle!,
    /, and the one that Ollama stored with it is none that/,
  );
});

Deno.test("servedModel() leaves it to the capabilities that who embeds does not chat", () => {
  const traits = { ...LLAMA_70B.traits, pooling: "cls" } as const;
  const { capabilities, chatObstacle } = servedModel(contentOf({}, { traits, chatTemplate: undefined }), 9);
  deepEqual([...capabilities], ["embedding"]);
  equal(chatObstacle, undefined);
});

Deno.test("noteTemplate() is silent where nothing was stored", () => {
  deepEqual(notesOf({}), []);
});

Deno.test("noteTemplate() says what is used instead of a template of Ollama's", () => {
  deepEqual(notesOf({ template: "{{ .Prompt }}" }), [
    "llama-server cannot use the Go template stored with it; the chat template in its file is used",
  ]);
  deepEqual(notesOf({ template: "x", renderer: "qwen3-coder" }), [
    `llama-server cannot use Ollama's built-in renderer "qwen3-coder"; the chat template in its file is used`,
  ]);
  const [none] = notesOf({ template: "x" }, { chatTemplate: undefined });
  match(none!, /its file holds no chat template either/);
});
