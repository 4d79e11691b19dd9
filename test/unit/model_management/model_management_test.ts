import { rejects } from "node:assert/strict";
import type { HttpClient } from "../../../lib/http/client.ts";
import { ModelManagement } from "../../../lib/model_management/model_management.ts";
import type { KnownNode } from "../../../lib/nodes/node.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";

const ORDER = { requestId: "r1", model: "m", said: { model: "m" }, wish: undefined };
const HELD = { held: { m: 1 } };

/** Nodes that take every request and never answer, until it is given up. */
function silentNodes(...nodes: KnownNode[]) {
  const clock = new FakeClock();
  const http: Pick<HttpClient, "send"> = {
    send: (_address, { signal }) =>
      new Promise((_resolve, reject) => signal!.addEventListener("abort", () => reject(signal!.reason))),
  };
  const holdersOf = (key: string) => nodes.filter(({ models }) => models.has(key));
  const known = { nodes, holdersOf, refresh: () => Promise.resolve() };
  return { clock, management: new ModelManagement({ nodes: known, keyOf: (model) => model, http, clock }) };
}

Deno.test("a node that never answers is not waited for longer than a minute", async () => {
  const { management, clock } = silentNodes(knownNode("a", HELD));
  const refused = rejects(management.delete(ORDER, new AbortController().signal), {
    code: "upstream_timeout",
    message: /^No answer within 1 min 0 s to the order to delete "m"/,
  });
  clock.advance(60_000);
  await refused;
});

Deno.test("of several nodes those that never answer are named", async () => {
  const { management, clock } = silentNodes(knownNode("a", HELD), knownNode("b", HELD));
  const refused = rejects(management.copy(ORDER, new AbortController().signal), {
    code: "upstream_failed",
    message: /^Cannot copy "m" on 2 of 2 nodes: a: No answer .*, b: No answer /,
  });
  clock.advance(60_000);
  await refused;
});

Deno.test("a client that leaves ends an order", async () => {
  const { management } = silentNodes(knownNode("a", HELD));
  const left = new AbortController();
  const reason = new DOMException("gone", "AbortError");
  const deleting = rejects(management.delete(ORDER, left.signal), (error) => error === reason);
  left.abort(reason);
  await deleting;
});
