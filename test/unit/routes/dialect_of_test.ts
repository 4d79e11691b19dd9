import { equal } from "node:assert/strict";
import { dialectOf } from "../../../routes/dialect_of.ts";

const ANTHROPIC = new Headers({ "anthropic-version": "2023-06-01" });

for (
  const [path, headers, want] of [
    ["/v1/messages", undefined, "anthropic"],
    ["/v1/messages/count_tokens", undefined, "anthropic"],
    ["/v1/messagesx", undefined, "openai"],
    ["/v1/models", undefined, "openai"],
    ["/v1/models", new Headers(), "openai"],
    ["/v1/models", ANTHROPIC, "anthropic"],
    ["/v1/models/hf.co/a/b:q", ANTHROPIC, "anthropic"],
    ["/v1/modelsx", ANTHROPIC, "openai"],
    ["/v1/chat/completions", ANTHROPIC, "openai"],
    ["/api/chat", ANTHROPIC, "ollama"],
    ["/api/administer", undefined, "ollama"],
    ["/api/admin/nodes", undefined, "openai"],
    ["/nope", ANTHROPIC, "openai"],
  ] as const
) {
  const who = headers?.has("anthropic-version") ? "Anthropic's client" : "somebody";
  Deno.test(`${who} who asks for ${path} is spoken to as ${want}`, () => {
    equal(dialectOf(path, headers).name, want);
  });
}
