import { deepEqual, equal, throws } from "node:assert/strict";
import { assignLayers, type LayerPlace } from "../../fakes/layer_rule.ts";

/** Runs as text: `0x5 1x3 2x1` for five layers on device 0, three on 1, one on 2. */
function runs(places: readonly LayerPlace[]): string {
  const counts = new Map<LayerPlace, number>();
  for (const place of places) counts.set(place, (counts.get(place) ?? 0) + 1);
  return [...counts].map(([place, count]) => `${place}x${count}`).join(" ");
}

for (
  const { blockCount, ngl, tensorSplit, want } of [
    { blockCount: 8, ngl: undefined, tensorSplit: [1, 2, 6], want: "0x1 1x2 2x6" },
    { blockCount: 8, ngl: undefined, tensorSplit: [5, 3, 2], want: "0x5 1x3 2x1" },
    { blockCount: 8, ngl: undefined, tensorSplit: [5, 3, 1], want: "0x5 1x3 2x1" },
    { blockCount: 8, ngl: undefined, tensorSplit: [1, 0, 1], want: "0x5 2x4" },
    { blockCount: 8, ngl: 999, tensorSplit: [1, 1, 1], want: "0x3 1x3 2x3" },
    { blockCount: 8, ngl: 4, tensorSplit: [1, 1], want: "hostx5 0x2 1x2" },
    { blockCount: 8, ngl: 0, tensorSplit: [1], want: "hostx9" },
    { blockCount: 8, ngl: 9, tensorSplit: [24105, 24105, 24105], want: "0x3 1x3 2x3" },
    // In 64 bits it would be 1, 3 and 6; llama.cpp itself says 1, 2 and 7.
    { blockCount: 9, ngl: undefined, tensorSplit: [0.1, 0.2, 0.7], want: "0x1 1x2 2x7" },
  ]
) {
  Deno.test(`assignLayers() of ${blockCount} layers, -ngl ${ngl ?? "all"}, -ts ${tensorSplit}: ${want}`, () => {
    equal(runs(assignLayers({ blockCount, ngl, tensorSplit })), want);
  });
}

Deno.test("assignLayers() tells the place of the output layer last", () => {
  deepEqual(assignLayers({ blockCount: 2, tensorSplit: [2, 1] }), [0, 0, 1]);
});

for (const tensorSplit of [[], [0, 0]]) {
  Deno.test(`assignLayers() refuses the split [${tensorSplit}]`, () => {
    throws(() => assignLayers({ blockCount: 8, tensorSplit }), RangeError);
  });
}
