import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { ModelEcho } from "../../../lib/dialects/model_echo.ts";
import type { StreamTranslator } from "../../../lib/dialects/exchange.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { RenamedStream, TranslatedStream } from "../../../lib/router/translated_stream.ts";
import { FakeAnswerEvents, readAll, type Step } from "../../fakes/fake_answer_events.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Says everything in capitals, nothing for a dot, and "bye" at the end. */
const LOUD: StreamTranslator = {
  push(events) {
    const text = decode(events);
    if (text === "garbage") throw new SyntaxError("garbage");
    return encode(text.replaceAll(".", "").toUpperCase());
  },
  end: () => Promise.resolve(encode("bye")),
};

function translated(steps: Step[], translator = LOUD) {
  const events = new FakeAnswerEvents(steps);
  let overCount = 0;
  const stream = new TranslatedStream(events, translator, () => overCount++);
  return { events, stream, overCount: () => overCount };
}

Deno.test("each piece is translated, what gives nothing is left out, and the end has its own words", async () => {
  const { stream, overCount } = translated(["a", ".", "b"]);
  deepEqual(await readAll(stream), { text: "ABbye", error: undefined });
  equal(await stream.read(), null);
  equal(overCount(), 1);
});

Deno.test("an end without words is an end", async () => {
  const { stream, overCount } = translated(["a"], { ...LOUD, end: () => new Uint8Array(0) });
  deepEqual(await readAll(stream), { text: "A", error: undefined });
  equal(overCount(), 1);
});

Deno.test("what breaks the upstream's stream breaks this one, without words of an end", async () => {
  const { stream, overCount } = translated(["a", new GatewayError("upstream_failed", "it died")]);
  const { text, error } = await readAll(stream);
  deepEqual([text, (error as Error).message, overCount()], ["A", "it died", 1]);
});

Deno.test("what cannot be understood is the upstream's fault, and nobody works on", async () => {
  const { stream, events, overCount } = translated(["a", "garbage"]);
  const { text, error } = await readAll(stream);
  equal(text, "A");
  equal((error as GatewayError).code, "upstream_failed");
  match((error as Error).message, /^The upstream said what cannot be understood: garbage; ask again$/);
  deepEqual([events.isCancelled, overCount()], [true, 1]);
});

Deno.test("a client that leaves is told to the upstream, once", async () => {
  const { stream, events, overCount } = translated(["a", "b"]);
  await stream.read();
  stream.cancel();
  stream.cancel();
  deepEqual([events.isCancelled, overCount()], [true, 1]);
});

Deno.test("what fails at the very end breaks the stream", async () => {
  const { stream } = translated([], { ...LOUD, end: () => Promise.reject(new Error("late")) });
  await rejects(stream.read(), /late/);
});

Deno.test("a stream that passes has its model named as the client did", async () => {
  const events = new FakeAnswerEvents([`data: {"model":"a"}\n\n`, "data: [DONE]\n\n"]);
  const stream = new RenamedStream(events, new ModelEcho("b"));
  deepEqual(await readAll(stream), { text: `data: {"model":"b"}\n\ndata: [DONE]\n\n`, error: undefined });
  stream.cancel();
  equal(events.isCancelled, true);
});
