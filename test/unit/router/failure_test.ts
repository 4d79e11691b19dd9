import { deepEqual, equal, match } from "node:assert/strict";
import { type ErrorCode, GatewayError } from "../../../lib/errors.ts";
import { HttpError, type HttpErrorFacts } from "../../../lib/http/error.ts";
import type { NodeLease } from "../../../lib/nodes/node.ts";
import { explainFailure } from "../../../lib/router/failure.ts";
import { NodeRefusal, type NodeRefusalKind } from "../../../lib/router/node_answer.ts";
import { nodeRoute, type Route } from "../../../lib/router/route.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";

const LOST = new GatewayError("upstream_timeout", "nothing was heard of it");

function routeToNode(lost: AbortSignal = new AbortController().signal): Route {
  return nodeRoute({ node: knownNode("a"), modelName: "m", lost } as NodeLease, "because", 0);
}

const http = (facts: Partial<HttpErrorFacts>) =>
  new HttpError("it broke", { phase: "head", kind: "reset", sent: true, answered: false, ...facts });
const refusal = (kind: NodeRefusalKind) =>
  new NodeRefusal(kind, "said no", 0, { status: 500, headers: [], body: new Uint8Array(0) });

/** What follows from a failure: is it `again` elsewhere, does it count as `sent`, and is the node `left` out. */
const CASES: readonly {
  readonly name: string;
  readonly thrown: unknown;
  readonly follows: readonly ("again" | "sent" | "left")[];
  readonly code?: ErrorCode;
}[] = [
  {
    name: "no connection",
    thrown: http({ phase: "connect", kind: "refused", sent: false }),
    follows: ["again", "left"],
    code: "backend_unreachable",
  },
  {
    name: "a reset before the answer",
    thrown: http({}),
    follows: ["again", "sent", "left"],
    code: "upstream_failed",
  },
  {
    name: "a reset amid a body that is held back",
    thrown: http({ phase: "body", answered: true }),
    follows: ["again", "sent", "left"],
    code: "upstream_failed",
  },
  {
    name: "a time-out",
    thrown: http({ kind: "timeout" }),
    follows: ["again", "sent", "left"],
    code: "upstream_timeout",
  },
  {
    name: "no HTTP",
    thrown: http({ kind: "malformed" }),
    follows: ["again", "sent", "left"],
    code: "upstream_failed",
  },
  {
    name: "a head without end",
    thrown: http({ kind: "too_large" }),
    follows: ["again", "sent", "left"],
    code: "upstream_failed",
  },
  {
    name: "a body without end",
    thrown: http({ kind: "too_large", phase: "body" }),
    follows: ["again", "sent", "left"],
    code: "upstream_failed",
  },
  { name: "a 500", thrown: refusal("failed"), follows: ["again", "sent", "left"], code: "upstream_failed" },
  {
    name: "nonsense",
    thrown: refusal("nonsense"),
    follows: ["again", "sent", "left"],
    code: "upstream_failed",
  },
  {
    name: "a missing model",
    thrown: refusal("missing"),
    follows: ["again", "left"],
    code: "upstream_failed",
  },
  { name: "an old Ollama", thrown: refusal("unable"), follows: ["again", "left"], code: "upstream_failed" },
  {
    name: "too little memory",
    thrown: refusal("too large"),
    follows: ["again", "left"],
    code: "upstream_failed",
  },
  { name: "too much to do", thrown: refusal("busy"), follows: ["again"], code: "upstream_failed" },
  {
    name: "a stream that ended early",
    thrown: new GatewayError("upstream_failed", "ended early"),
    follows: ["again", "sent", "left"],
    code: "upstream_failed",
  },
  {
    name: "a failure of another kind",
    thrown: new GatewayError("no_capacity", "x"),
    follows: ["sent"],
    code: "no_capacity",
  },
  { name: "a mistake of ours", thrown: new TypeError("x"), follows: ["sent"] },
];

for (const { name, thrown, follows, code } of CASES) {
  Deno.test(`${name} of a node: ${follows.join(", ")}`, async () => {
    const failure = await explainFailure(thrown, routeToNode(), new AbortController().signal);
    const { isRetryable, wasSent, isExcluded, error } = failure;
    const has = (what: "again" | "sent" | "left") => follows.includes(what);
    deepEqual({ isRetryable, wasSent, isExcluded }, {
      isRetryable: has("again"),
      wasSent: has("sent"),
      isExcluded: has("left"),
    });
    equal((error as GatewayError).code, code);
  });
}

Deno.test("a node that went silent is left for another one", async () => {
  const lost = AbortSignal.abort(LOST);
  const failure = await explainFailure(LOST, routeToNode(lost), new AbortController().signal);
  deepEqual(failure, { error: LOST, isRetryable: true, wasSent: true, isExcluded: true });
});

Deno.test("whatever broke after the client had left is its leaving", async () => {
  const left = new GatewayError("client_closed", "left");
  for (const thrown of [http({}), refusal("failed"), LOST]) {
    const { error, isRetryable } = await explainFailure(thrown, routeToNode(), AbortSignal.abort(left));
    deepEqual([error, isRetryable], [left, false]);
  }
});

Deno.test("only what is too long as a whole may be shorter or come as a stream", async () => {
  const told = async (facts: Partial<HttpErrorFacts>) => {
    const { error } = await explainFailure(http(facts), routeToNode(), new AbortController().signal);
    return (error as GatewayError).message;
  };
  match(await told({ kind: "too_large", phase: "body" }), /^a broke off: it broke; ask for a shorter one/);
  match(await told({ kind: "too_large", phase: "head" }), /^a broke off: it broke; ask again$/);
});
