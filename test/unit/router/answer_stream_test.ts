import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import type { HttpBody } from "../../../lib/http/client.ts";
import { AnswerStream } from "../../../lib/router/answer_stream.ts";
import { FakeAnswerEvents, readAll, type Step } from "../../fakes/fake_answer_events.ts";

const token = (text: string) => `data: {"choices":[{"index":0,"delta":{"content":"${text}"}}]}\n\n`;
const ROLE = `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}\n\n`;
const DONE = "data: [DONE]\n\n";
const BROKEN = new Error("connection reset");

/** A stream over these steps of the upstream, and what was told at its end. */
async function open(steps: Step[]) {
  const events = new FakeAnswerEvents(steps);
  const ends: unknown[][] = [];
  const body: HttpBody = {
    framing: "chunked",
    ended: "open",
    trailers: [],
    read: () => events.read(),
    bytes: () => Promise.reject(new Error("a stream is not held back")),
    text: () => Promise.reject(new Error("a stream is not held back")),
    cancel: () => events.cancel(),
  };
  const stream = await AnswerStream.open({
    body,
    explain: (thrown) =>
      Promise.resolve(new GatewayError("upstream_failed", `why: ${(thrown as Error).message}`)),
    onEnd: (...how) => ends.push(how),
  });
  return { stream, events, ends };
}

Deno.test("bytes pass untouched to the proper end, and are counted", async () => {
  const steps = [ROLE, token("a").slice(0, 9), token("a").slice(9) + token("b"), ": ping\n\n", DONE];
  const { stream, ends } = await open(steps);
  deepEqual(await readAll(stream), { text: steps.join(""), error: undefined });
  deepEqual(ends, [[undefined, 4]]);
});

Deno.test("the stream opens with the first event: a prompt that is still being read is no answer", async () => {
  const { stream } = await open([":\n\n", ":\n\ndata", `: 1\n\n${DONE}`]);
  equal((await readAll(stream)).text, `data: 1\n\n${DONE}`);
  await rejects(open([":\n\n", BROKEN]), BROKEN);
});

Deno.test("what breaks a stream is explained, and told with the tokens that had been delivered", async () => {
  const { stream, events, ends } = await open([ROLE, token("a"), token("b"), "data: {", BROKEN]);
  const { text, error } = await readAll(stream);
  equal(text, ROLE + token("a") + token("b"));
  match((error as Error).message, /^why: connection reset; 2 tokens had been delivered$/);
  deepEqual([events.isCancelled, ends], [true, [[error, 3]]]);
});

Deno.test("an end without [DONE] is a break", async () => {
  const { stream } = await open([token("a"), null]);
  match(((await readAll(stream)).error as Error).message, /ended early, after 1 events.*1 token had been/);
});

Deno.test("what breaks when all was said breaks nothing", async () => {
  for (const last of [DONE, `data: {"error":{"message":"x"}}\n\n`]) {
    const { stream, ends } = await open([token("a"), last, BROKEN]);
    deepEqual(await readAll(stream), { text: token("a") + last, error: undefined });
    equal(ends[0]![0], undefined);
  }
});

Deno.test("an event without end is given up before it eats the memory", async () => {
  const { stream, events } = await open([
    token("a"),
    "data: ",
    ..."12345".split("").map(() => "x".repeat(1024 ** 2)),
  ]);
  const { text, error } = await readAll(stream);
  deepEqual([text, (error as GatewayError).code, events.isCancelled], [token("a"), "upstream_failed", true]);
});

Deno.test("a client that leaves cancels the upstream, and the end is told once", async () => {
  const { stream, events, ends } = await open([token("a"), "silence"]);
  await stream.read();
  const reading = stream.read();
  stream.cancel();
  await rejects(reading);
  deepEqual([events.isCancelled, ends.length, (ends[0]![0] as GatewayError).code], [
    true,
    1,
    "client_closed",
  ]);
});
