import { throws } from "node:assert/strict";
import { checkDocumented, type GotAnswer } from "../../fixtures/documented_answers.ts";

const MODEL = {
  id: "m",
  object: "model",
  type: "model",
  display_name: "m",
  created: 1,
  created_at: "1970-01-01T00:00:01.000Z",
  owned_by: "ollama",
  sollol: { available: true, nodes: [] },
};

function listOf(model: Record<string, unknown>): GotAnswer {
  const body = JSON.stringify({
    object: "list",
    data: [model],
    has_more: false,
    first_id: "m",
    last_id: "m",
  });
  return { method: "GET", path: "/v1/models", status: 200, type: "application/json; charset=utf-8", body };
}

Deno.test("an answer that is as documented is accepted", () => {
  checkDocumented(listOf(MODEL));
  checkDocumented({ ...listOf(MODEL), path: "/v1/models?x=y" });
});

for (
  const { name, got, says } of [
    { name: "a field too many", got: listOf({ ...MODEL, extra: 1 }), says: /not documented/ },
    {
      name: "a field too many, deep inside",
      got: listOf({ ...MODEL, sollol: { ...MODEL.sollol, x: 1 } }),
      says: /not doc/,
    },
    {
      name: "a field that lacks",
      got: listOf({ ...MODEL, created: undefined }),
      says: /is not as documented/,
    },
    {
      name: "a field of another kind",
      got: listOf({ ...MODEL, created: "1" }),
      says: /is not as documented/,
    },
    { name: "an unknown path", got: { ...listOf(MODEL), path: "/v1/model" }, says: /no such operation/ },
    { name: "an unknown method", got: { ...listOf(MODEL), method: "PUT" }, says: /no such operation/ },
    { name: "an unknown status", got: { ...listOf(MODEL), status: 206 }, says: /no such status/ },
    { name: "an unknown type", got: { ...listOf(MODEL), type: "text/plain" }, says: /no such type/ },
    {
      name: "an error of another dialect",
      got: { ...listOf(MODEL), status: 401, body: '{"error":"x"}' },
      says: /not as doc/,
    },
    {
      name: "a stream without events",
      got: {
        method: "POST",
        path: "/v1/chat/completions",
        status: 200,
        type: "text/event-stream",
        body: "data: [DONE]\n\n",
      },
      says: /nothing came/,
    },
  ]
) {
  Deno.test(`${name} is found out`, () => throws(() => checkDocumented(got), says));
}
