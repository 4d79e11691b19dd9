import { equal } from "node:assert/strict";
import { describeLeaving, describeLending, type Lending } from "../../../lib/service/lending_status.ts";

const cases: readonly { name: string; serverCount: number; outcome: Lending["outcome"]; want: string }[] = [
  {
    name: "has not asked yet",
    serverCount: 1,
    outcome: undefined,
    want: "runs 1 rpc server; joins http://g:1",
  },
  {
    name: "has joined",
    serverCount: 2,
    outcome: { kind: "accepted", reply: { timeout_ms: 6_000, in_use: [] } },
    want: "runs 2 rpc servers; joined http://g:1 as shelf",
  },
  {
    name: "does not reach its gateway",
    serverCount: 1,
    outcome: { kind: "unreachable", because: "http://g:1 did not answer within 2s", retryAfterMs: undefined },
    want: "runs 1 rpc server; not joined: http://g:1 did not answer within 2s",
  },
  {
    name: "is not wanted",
    serverCount: 1,
    outcome: { kind: "refused", because: "http://g:1 answers 401: it wants a token" },
    want: "runs 1 rpc server; not joined: http://g:1 answers 401: it wants a token",
  },
];

for (const { name, serverCount, outcome, want } of cases) {
  Deno.test(`the status of a worker that ${name} says so`, () => {
    equal(describeLending({ name: "shelf", url: "http://g:1", serverCount, outcome }), want);
  });
}

Deno.test("the status of a worker that ends says for what it waits, and how long", () => {
  equal(describeLeaving(30_000), "waits until no coordinator uses its rpc servers, at most 30.0 s");
});
