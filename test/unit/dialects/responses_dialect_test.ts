import { deepEqual, equal, match } from "node:assert/strict";
import { BrokenAnswer } from "../../../lib/dialects/broken_answer.ts";
import { responsesDialect } from "../../../lib/dialects/responses_dialect.ts";
import { watchFor } from "../../../lib/dialects/watch_for.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { SseReader } from "../../../lib/stream/sse_reader.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

function eventOf(bytes: Uint8Array): { type: string; data: Record<string, unknown> } {
  const [event, ...more] = new SseReader().push(bytes);
  deepEqual(more, []);
  return { type: event!.type, data: JSON.parse(event!.data) };
}

Deno.test("before a stream an error has OpenAI's form", () => {
  const error = new GatewayError("invalid_request", "no", { field: "input" });
  deepEqual(responsesDialect.errorBody(error, "r1"), {
    error: {
      message: "no",
      type: "invalid_request_error",
      param: "input",
      code: "invalid_request",
      request_id: "r1",
    },
  });
});

for (
  const { name, bytes, want } of [
    {
      name: "what broke it",
      bytes: responsesDialect.errorEvent(
        new BrokenAnswer(new GatewayError("upstream_failed", "It broke"), 3),
        "r1",
      ),
      want: {
        code: "upstream_failed",
        message: "It broke; 3 tokens had been delivered",
        tokens_delivered: 3,
      },
    },
    {
      name: "what nobody foresaw, without its words",
      bytes: responsesDialect.errorEvent(undefined, "r1"),
      want: { code: "internal", request_id: "r1" },
    },
    {
      name: "llama-server's refusal",
      bytes: responsesDialect.refusalEvent({
        status: 400,
        body: encode({
          error: { code: 400, message: "too long", type: "exceed_context_size_error", n_ctx: 256 },
        }),
      }, "r1"),
      want: { code: "context_length_exceeded", message: "too long", n_ctx: 256 },
    },
    {
      name: "Ollama's refusal in text",
      bytes: responsesDialect.refusalEvent(
        { status: 404, body: encode({ error: 'model "m" not found' }) },
        "r1",
      ),
      want: { code: null, message: 'model "m" not found' },
    },
    {
      name: "a refusal without words",
      bytes: responsesDialect.refusalEvent({ status: 500, body: new Uint8Array(0) }, "r1"),
      want: { code: null },
    },
  ]
) {
  Deno.test(`inside a stream an event says ${name}, and nothing that looks like success`, () => {
    const { type, data } = eventOf(bytes);
    equal(type, "error");
    equal(data["type"], "error");
    equal(data["param"], null);
    equal(data["sequence_number"], 0);
    equal(typeof data["message"], "string");
    for (const [key, value] of Object.entries(want)) equal(data[key], value);
    const watch = watchFor("responses");
    watch.push(bytes);
    deepEqual([watch.hasError, watch.isDone], [true, false]);
  });
}

Deno.test("while it waits it says so where no client reads it as a part of the response", () => {
  const word = { text: "waits", requestId: "r", model: "m", atMs: 0, isFirst: true, isNote: true };
  match(new TextDecoder().decode(responsesDialect.waitingWord(word)), /^: waits\n\n$/);
});
