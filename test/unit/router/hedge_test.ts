import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { openaiDialect } from "../../../lib/dialects/openai_dialect.ts";
import type { Answer } from "../../../lib/router/answer.ts";
import { hedged } from "../../../lib/router/hedge.ts";
import type { InferenceRequest } from "../../../lib/router/inference.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** Lets all that is due run. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

function answerOf(upstream: string, status = 200): Answer {
  const report = {
    to: "node",
    upstream,
    url: "",
    because: "",
    attemptCount: 1,
    modelName: undefined,
  } as const;
  return {
    status,
    headers: [],
    body: new Uint8Array(0),
    report: { ...report, queueMs: 0, loadMs: 0, durationMs: 0 },
  };
}

/** A request that is hedged after 100 ms, and those who are asked. */
function bed(more: Partial<InferenceRequest> = {}) {
  const clock = new FakeClock();
  const client = new AbortController();
  const asked: (PromiseWithResolvers<Answer> & { request: InferenceRequest })[] = [];
  const request: InferenceRequest = {
    id: "1",
    task: "embedding",
    dialect: openaiDialect,
    exchange: () => Promise.reject(new Error("nobody puts it anywhere")),
    model: "m",
    stream: false,
    bodyBytes: 0,
    wish: undefined,
    signal: client.signal,
    ...more,
  };
  const answer = hedged(request, {
    afterMs: 100,
    clock,
    ask: (request) => {
      const asking = { ...Promise.withResolvers<Answer>(), request };
      asked.push(asking);
      return asking.promise;
    },
  });
  answer.catch(() => {});
  return { clock, client, asked, answer };
}

/** It was sent, and its time has come. */
async function sentAndSlow({ asked, clock }: ReturnType<typeof bed>): Promise<void> {
  asked[0]!.request.onAttempt?.("a");
  await settled();
  clock.advance(100);
  await settled();
}

Deno.test("one that answers soon is the only one", async () => {
  const { asked, answer, clock } = bed();
  asked[0]!.request.onAttempt?.("a");
  asked[0]!.resolve(answerOf("a"));
  equal((await answer).report.upstream, "a");
  clock.advance(1_000);
  equal(asked.length, 1);
});

Deno.test("one that fails soon is not asked for again", async () => {
  const { asked, answer } = bed();
  asked[0]!.reject(new Error("no"));
  await rejects(answer, /no/);
  equal(asked.length, 1);
});

Deno.test("the time runs from its being sent: who waits in line would only wait twice", async () => {
  const all = bed();
  all.clock.advance(10_000);
  await settled();
  equal(all.asked.length, 1);
  await sentAndSlow(all);
  equal(all.asked.length, 2);
});

Deno.test("neither goes where the other one is, and for the second one no model is loaded", async () => {
  const all = bed();
  await sentAndSlow(all);
  const [first, second] = all.asked.map(({ request }) => request);
  second!.onAttempt?.("b");
  deepEqual([[...second!.avoid!()], [...first!.avoid!()], second!.wish], [["a"], ["b"], "node"]);
});

Deno.test("an order of the client's holds for both", async () => {
  const all = bed({ wish: "gpu" });
  await sentAndSlow(all);
  deepEqual(all.asked.map(({ request }) => request.wish), ["gpu", "gpu"]);
});

for (const winner of [0, 1]) {
  Deno.test(`whoever answers first wins, and the other is given up (${winner})`, async () => {
    const all = bed();
    await sentAndSlow(all);
    all.asked[winner]!.resolve(answerOf(`${winner}`));
    equal((await all.answer).report.upstream, `${winner}`);
    ok(all.asked.every(({ request }) => request.signal.aborted));
    ok(!all.client.signal.aborted);
  });
}

for (
  const { name, first, second, want } of [
    { name: "a 500 of the first waits for the second", first: 500, second: 200, want: "second" },
    { name: "a 429 of the second waits for the first", first: 200, second: 429, want: "first" },
    { name: "a 400 is an answer", first: 400, second: 500, want: "first" },
    { name: "if both are refused the first one's words count", first: 503, second: 500, want: "first" },
  ]
) {
  Deno.test(name, async () => {
    const all = bed();
    await sentAndSlow(all);
    all.asked[1]!.resolve(answerOf("second", second));
    await settled();
    all.asked[0]!.resolve(answerOf("first", first));
    equal((await all.answer).report.upstream, want);
  });
}

Deno.test("if both fail, what the first one failed with is told", async () => {
  const all = bed();
  await sentAndSlow(all);
  all.asked[1]!.reject(new Error("second"));
  all.asked[0]!.reject(new Error("first"));
  await rejects(all.answer, /first/);
});

Deno.test("a client that leaves ends both", async () => {
  const all = bed();
  await sentAndSlow(all);
  all.client.abort(new Error("left"));
  ok(all.asked.every(({ request }) => request.signal.aborted));
  for (const { reject } of all.asked) reject(new Error("left"));
  await rejects(all.answer, /left/);
});
