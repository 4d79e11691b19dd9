import { equal } from "node:assert/strict";
import { listNames } from "../../lib/name_list.ts";

for (
  const [names, want] of [
    [[], ""],
    [["a"], "a"],
    [["a", "b"], "a, b"],
    [["a", "b", "c", "d"], "a, b and 2 more"],
  ] as [string[], string][]
) {
  Deno.test(`of ${names.length} names at most two are told`, () => equal(listNames(names, 2), want));
}
