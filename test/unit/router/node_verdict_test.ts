import { deepEqual, equal } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { HttpError } from "../../../lib/http/error.ts";
import type { NodeLease } from "../../../lib/nodes/node.ts";
import { NodeRefusal, type NodeRefusalKind } from "../../../lib/router/node_answer.ts";
import { NodeVerdict } from "../../../lib/router/node_verdict.ts";
import { nodeRoute } from "../../../lib/router/route.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";

/** A lease that writes down what it hears. */
function heardLease() {
  const heard: string[] = [];
  const lease: NodeLease = {
    node: knownNode("a"),
    modelName: "m",
    lost: new AbortController().signal,
    reportFirstToken: () => heard.push("first token"),
    reportBytes: () => heard.push("bytes"),
    reportServed: () => heard.push("served"),
    reportFailure: () => heard.push("failure"),
    reportBusy: (pauseMs) => heard.push(`busy for ${pauseMs} ms`),
    reportMissing: () => heard.push("missing"),
    reportTooLarge: () => heard.push("too large"),
    giveSlotBack: () => heard.push("slot"),
    [Symbol.dispose]: () => heard.push("end"),
  };
  return { lease, heard, route: nodeRoute(lease, "because", 0) };
}

const refusal = (kind: NodeRefusalKind, pauseMs = 0) =>
  new NodeRefusal(kind, "said no", pauseMs, { status: 500, headers: [], body: new Uint8Array(0) });
const broken = new HttpError("reset", { phase: "head", kind: "reset", sent: true, answered: false });

for (
  const { name, thrown, want } of [
    { name: "a broken connection", thrown: broken, want: ["failure", "end"] },
    { name: "nonsense", thrown: refusal("nonsense"), want: ["failure", "end"] },
    {
      name: "a time that is over",
      thrown: new GatewayError("upstream_timeout", "x"),
      want: ["failure", "end"],
    },
    { name: "too much to do", thrown: refusal("busy", 7), want: ["busy for 7 ms", "end"] },
    { name: "a missing model", thrown: refusal("missing"), want: ["missing", "end"] },
    { name: "a model that is too large", thrown: refusal("too large"), want: ["too large", "end"] },
    { name: "an old Ollama", thrown: refusal("unable"), want: ["end"] },
    { name: "a mistake of ours", thrown: new TypeError("x"), want: ["end"] },
    { name: "a 500", thrown: refusal("failed"), want: [] },
  ]
) {
  Deno.test(`${name} is told at once${want.length > 0 ? "" : " to nobody"}`, () => {
    const { lease, heard, route } = heardLease();
    const verdict = new NodeVerdict(new FakeClock());
    verdict.failed(route, lease, thrown);
    deepEqual(heard, want);
    verdict[Symbol.dispose]();
  });
}

Deno.test("a 500 is the node's fault if somebody else answers, and nobody's if nobody does", () => {
  for (const isAnswered of [true, false]) {
    const { lease, heard, route } = heardLease();
    {
      using verdict = new NodeVerdict(new FakeClock());
      verdict.failed(route, lease, refusal("failed"));
      if (isAnswered) verdict.answered();
    }
    deepEqual(heard, isAnswered ? ["failure", "end"] : ["end"]);
  }
});

Deno.test("the slot of a node under suspicion is given back soon, and the verdict may follow", async () => {
  const clock = new FakeClock();
  const { lease, heard, route } = heardLease();
  using verdict = new NodeVerdict(clock);
  verdict.failed(route, lease, refusal("failed"));
  clock.advance(499);
  await Promise.resolve();
  equal(heard.length, 0);
  clock.advance(1);
  await Promise.resolve();
  await Promise.resolve();
  deepEqual(heard, ["slot"]);
  verdict.answered();
  deepEqual(heard, ["slot", "failure", "end"]);
  clock.advance(10_000);
  verdict.answered();
  await Promise.resolve();
  deepEqual(heard, ["slot", "failure", "end"]);
});
