import { equal } from "node:assert/strict";
import { MovingAverage } from "../../../lib/nodes/moving_average.ts";

Deno.test("an average of nothing is not known, and that of one figure is the figure", () => {
  const average = new MovingAverage(0.2);
  equal(average.value, undefined);
  average.take(100);
  equal(average.value, 100);
});

Deno.test("each new figure has a fifth of the say, so that old ones are forgotten", () => {
  const average = new MovingAverage(0.2);
  average.take(100);
  average.take(200);
  equal(average.value, 120);
  for (let count = 0; count < 50; count++) average.take(10);
  equal(Math.round(average.value!), 10);
});

for (const figure of [NaN, Infinity, -Infinity, -1]) {
  Deno.test(`a figure of ${figure} is left out`, () => {
    const average = new MovingAverage(0.2);
    average.take(figure);
    equal(average.value, undefined);
    average.take(0);
    average.take(figure);
    equal(average.value, 0);
  });
}
