import { deepEqual, equal } from "node:assert/strict";
import { NodeSpeed } from "../../../lib/nodes/node_speed.ts";

Deno.test("nothing is known of a node that has not answered yet", () => {
  const speed = new NodeSpeed();
  deepEqual([speed.firstTokenMs, speed.tokensPerSecondOf("a")], [undefined, undefined]);
});

Deno.test("tokens a second are averaged for each model, and the time to the first token for all", () => {
  const speed = new NodeSpeed();
  speed.takeTokens("a", { count: 100, ms: 1_000 });
  speed.takeTokens("a", { count: 100, ms: 500 });
  speed.takeTokens("b", { count: 10, ms: 1_000 });
  speed.takeFirstToken(50);
  speed.takeFirstToken(100);
  deepEqual([speed.tokensPerSecondOf("a"), speed.tokensPerSecondOf("b"), speed.firstTokenMs], [120, 10, 60]);
});

for (
  const tokens of [{ count: 0, ms: 10 }, { count: 10, ms: 0 }, { count: -1, ms: 10 }, { count: NaN, ms: 1 }]
) {
  Deno.test(`${tokens.count} tokens in ${tokens.ms} ms say nothing`, () => {
    const speed = new NodeSpeed();
    speed.takeTokens("a", tokens);
    equal(speed.tokensPerSecondOf("a"), undefined);
  });
}

Deno.test("a model that the node does not hold any more is forgotten", () => {
  const speed = new NodeSpeed();
  speed.takeTokens("a", { count: 1, ms: 1 });
  speed.takeTokens("b", { count: 1, ms: 1 });
  speed.prune(new Map([["b", 0]]));
  deepEqual([speed.tokensPerSecondOf("a"), speed.tokensPerSecondOf("b")], [undefined, 1_000]);
});
