import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { Exchange, ExchangeFor, UpstreamFacts } from "../../../lib/dialects/exchange.ts";
import { openaiDialect } from "../../../lib/dialects/openai_dialect.ts";
import { GatewayError } from "../../../lib/errors.ts";
import type { GatewayRequest } from "../../../lib/gateway.ts";
import type { Answer } from "../../../lib/router/answer.ts";
import { readAll } from "../../fakes/fake_answer_events.ts";
import { until } from "../../fixtures/until.ts";
import { GatewayBed } from "./gateway_bed.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const NEVER = new AbortController().signal;

/** Asks the gateway for the model of a bed, put to its upstream as the test says. */
async function infer(
  bed: GatewayBed,
  exchange: ExchangeFor,
  told: Partial<GatewayRequest> = {},
): Promise<Answer> {
  const answer = await bed.gateway.infer({
    id: "r1",
    task: "chat",
    dialect: openaiDialect,
    exchange,
    model: "fake",
    stream: false,
    keepAliveMs: undefined,
    bodyBytes: 0,
    signal: NEVER,
    ...told,
  });
  ok("attemptCount" in answer.report, "the answer was waited for in vain");
  return answer as Answer;
}

function put(told: Partial<Exchange> & { stream?: boolean } = {}): Exchange {
  const { stream = false } = told;
  return {
    target: "/some/path",
    body: encode(JSON.stringify({ stream })),
    stream,
    format: "openai",
    ...told,
  };
}

Deno.test("an upstream is asked in the words of the exchange, and its whole answer translated", async () => {
  await using bed = await GatewayBed.open();
  let facts: UpstreamFacts | undefined;
  const { status, headers, body } = await infer(bed, (upstream) => {
    facts = upstream;
    return put({
      translateWhole: (said, times) => encode(`${decode(said).length > 0} ${times.loadMs >= 0}`),
    });
  });
  match(bed.upstream.seen[0]!.line, /^POST \/some\/path /);
  deepEqual([status, decode(body as Uint8Array)], [200, "true true"]);
  deepEqual(headers, [["content-type", "application/json; charset=utf-8"]]);
  deepEqual([facts?.kind, facts?.model?.name], ["llama-server", "fake"]);
});

Deno.test("its stream is translated piece by piece, and its lease held until the last word", async () => {
  await using bed = await GatewayBed.open();
  const late = Promise.withResolvers<void>();
  const answer = await infer(bed, () =>
    put({
      stream: true,
      translateStream: () => ({
        push: (events) => encode("x".repeat(decode(events).split("data: {").length - 1)),
        end: async () => {
          await late.promise;
          return encode("!");
        },
      }),
    }), { stream: true });
  ok(!(answer.body instanceof Uint8Array));
  const read = readAll(answer.body);
  await until(() => bed.requestLines.length === 1, "the upstream's stream is over");
  const busyCounts = () => bed.gateway.health.coordinators.map(({ inFlightCount }) => inFlightCount);
  deepEqual(busyCounts(), [1]);
  late.resolve();
  match((await read).text, /^x+!$/);
  deepEqual(busyCounts(), [0]);
});

Deno.test("what a dialect asks beforehand it asks the same upstream", async () => {
  await using bed = await GatewayBed.open();
  const answer = await infer(bed, async ({ ask }) => {
    const { status, value } = await ask("/tokenize", { content: "x" });
    return put({ body: encode(JSON.stringify({ status, isAnswered: value !== undefined })) });
  });
  equal(answer.status, 200);
  deepEqual(bed.upstream.seen.map(({ line, body }) => [line.split(" ")[1], JSON.parse(body)]), [
    ["/tokenize", { content: "x" }],
    ["/some/path", { status: 200, isAnswered: true }],
  ]);
});

Deno.test("an answer that needs no upstream is given when the model is there", async () => {
  await using bed = await GatewayBed.open();
  const { body, report } = await infer(bed, () => ({ given: () => encode("loaded") }));
  deepEqual([decode(body as Uint8Array), bed.upstream.seen.length], ["loaded", 0]);
  equal(report.to, "coordinator");
});

Deno.test("a request that cannot be put to its upstream is refused, and nobody is to blame", async () => {
  await using bed = await GatewayBed.open();
  const refusal = new GatewayError("invalid_request", `"fake" does not support tools`, { field: "tools" });
  await rejects(infer(bed, () => Promise.reject(refusal)), (error) => error === refusal);
  equal((await infer(bed, () => put())).report.attemptCount, 1);
  deepEqual(bed.requestLines.map(({ outcome }) => outcome), ["refused", "ok"]);
});

Deno.test("after a refusal the same upstream is asked as the exchange then says; else the refusal is told", async () => {
  await using bed = await GatewayBed.open();
  await infer(bed, () => put());
  const refusal = {
    kind: "status",
    status: 400,
    body: `{"error":"too long"}`,
    headers: "x-own: 1\r\n",
  } as const;
  bed.upstream.then(refusal, refusal);
  const shorter = (left: number): Exchange =>
    put({
      target: `/left/${left}`,
      afterRefusal: ({ status, body }) => {
        equal(status, 400);
        equal(decode(body), refusal.body);
        return left === 0 ? undefined : shorter(left - 1);
      },
    });
  equal((await infer(bed, () => shorter(2))).status, 200);
  deepEqual(bed.upstream.seen.slice(1).map(({ line }) => line.split(" ")[1]), [
    "/left/2",
    "/left/1",
    "/left/0",
  ]);
  bed.upstream.then(refusal);
  const refused = await infer(bed, () => shorter(0));
  equal(JSON.parse(decode(refused.body as Uint8Array)).error.message, "too long");
  deepEqual([refused.status, refused.headers], [400, [["content-type", "application/json"]]]);
});

Deno.test("what cannot be understood is an upstream's failure with a sentence", async () => {
  await using bed = await GatewayBed.open();
  const exchange = () =>
    put({
      translateWhole: () => {
        throw new SyntaxError("no message in it");
      },
    });
  await rejects(infer(bed, exchange), (error: GatewayError) => {
    equal(error.code, "upstream_failed");
    match(error.message, /cannot be understood: no message in it; ask again/);
    return true;
  });
});
