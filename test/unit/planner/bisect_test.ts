import { equal, ok } from "node:assert/strict";
import { largestThat } from "../../../lib/planner/bisect.ts";

for (
  const { name, least, most, bound, want } of [
    { name: "the last that holds", least: 1, most: 100, bound: 37, want: 37 },
    { name: "the most if all hold", least: 1, most: 100, bound: 1_000, want: 100 },
    { name: "one below the least if none holds", least: 5, most: 100, bound: 4, want: 4 },
    { name: "one below the least of an empty range", least: 5, most: 4, bound: 100, want: 4 },
  ]
) {
  Deno.test(`largestThat() is ${name}`, () => {
    equal(largestThat(least, most, (count) => count <= bound), want);
  });
}

Deno.test("largestThat() asks few times", () => {
  let asked = 0;
  largestThat(1, 1_000_000, (count) => ++asked > 0 && count <= 777);
  ok(asked <= 20, `${asked}`);
});
