import { deepEqual, equal } from "node:assert/strict";
import { parseModels, parseResident } from "../../../lib/nodes/node_answers.ts";
import { NodeHoldings } from "../../../lib/nodes/node_holdings.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";

const { key } = toWanted("a");

function listed(...models: { name: string; digest?: string; size?: number; modified_at?: string }[]) {
  const text = JSON.stringify({ models });
  return { text, models: parseModels(text)! };
}

const resident = parseResident(`{"models":[{"name":"a","size":5},{"name":"b","size":7}]}`)!;

Deno.test("a list that has not changed is the same object, so that nobody looks through it again", () => {
  const holdings = new NodeHoldings();
  const list = listed({ name: "a" });
  holdings.learn({ listed: list, resident }, 0);
  const { models } = holdings;
  holdings.learn({ listed: list, resident: undefined }, 1);
  deepEqual([holdings.models === models, holdings.listed === list, holdings.residentBytes], [true, true, 12]);
});

Deno.test("a model that is missing is neither held nor in memory, until its time is over or it is another one", () => {
  const holdings = new NodeHoldings();
  const list = listed({ name: "a", digest: "1" }, { name: "b" });
  holdings.learn({ listed: list, resident }, 0);
  holdings.miss(key, 0);
  deepEqual([holdings.models.has(key), holdings.models.size, holdings.residentBytes], [false, 1, 7]);
  holdings.learn({ listed: list, resident: undefined }, 9_999);
  equal(holdings.models.has(key), false);
  holdings.learn({ listed: list, resident: undefined }, 10_000);
  equal(holdings.models.has(key), true);
  holdings.miss(key, 10_000);
  holdings.learn({ listed: listed({ name: "a", digest: "2" }), resident: undefined }, 10_001);
  equal(holdings.models.has(key), true);
});

Deno.test("a model that several requests find missing is missing for as long, however they come", () => {
  const holdings = new NodeHoldings();
  const list = listed({ name: "a", digest: "1" }, { name: "b" });
  holdings.learn({ listed: list, resident }, 0);
  for (const nowMs of [0, 1, 2]) {
    holdings.miss(key, nowMs);
    deepEqual([holdings.models.has(key), holdings.models.size], [false, 1]);
  }
  holdings.learn({ listed: list, resident: undefined }, 10_001);
  equal(holdings.models.has(key), false);
  holdings.learn({ listed: list, resident: undefined }, 10_002);
  equal(holdings.models.has(key), true);
});

for (
  const { name, then, isSame } of [
    {
      name: "dates its models anew",
      then: { name: "a", digest: "1", modified_at: "2026-02-02T00:00:00Z" },
      isSame: true,
    },
    { name: "lists another model", then: { name: "a", digest: "2" }, isSame: false },
    { name: "tells another size", then: { name: "a", digest: "1", size: 9 }, isSame: false },
    { name: "spells a name otherwise", then: { name: "A", digest: "1" }, isSame: false },
  ]
) {
  Deno.test(`a node that ${name} holds ${isSame ? "the same" : "something else"}`, () => {
    const holdings = new NodeHoldings();
    holdings.learn({ listed: listed({ name: "a", digest: "1" }), resident }, 0);
    const { models } = holdings;
    const next = listed(then);
    holdings.learn({ listed: next, resident }, 1);
    deepEqual([holdings.models === models, holdings.listed!.models === models], [isSame, isSame]);
    equal(holdings.listed!.text, next.text);
  });
}

Deno.test("a list of which a model is missing is the same object as long as nothing changes", () => {
  const holdings = new NodeHoldings();
  const list = listed({ name: "a", digest: "1" }, { name: "b" });
  holdings.learn({ listed: list, resident }, 0);
  holdings.miss(key, 0);
  const { models } = holdings;
  holdings.learn({ listed: list, resident }, 5_000);
  equal(holdings.models === models, true);
});

Deno.test("the first list counts as another one than what was remembered, though it is equal", () => {
  const holdings = new NodeHoldings();
  const list = listed({ name: "a", digest: "1" });
  holdings.recall([...list.models.values()]);
  const { models } = holdings;
  holdings.learn({ listed: list, resident: undefined }, 0);
  deepEqual([holdings.models === models, holdings.models.size], [false, 1]);
});

Deno.test("what is remembered counts until the node lists its models, and never after that", () => {
  const holdings = new NodeHoldings();
  equal(holdings.isKnown, false);
  const [model] = listed({ name: "a", digest: "1" }).models.values();
  holdings.recall([model!]);
  deepEqual([holdings.isKnown, holdings.models.get(key), holdings.listed], [true, model, undefined]);
  holdings.learn({ listed: listed(), resident: undefined }, 0);
  holdings.recall([model!]);
  deepEqual([holdings.isKnown, holdings.models.size], [true, 0]);
});

Deno.test("a node that is remembered to hold nothing is known", () => {
  const holdings = new NodeHoldings();
  holdings.recall([]);
  equal(holdings.isKnown, true);
});

Deno.test("what is missing before anything was listed changes nothing", () => {
  const holdings = new NodeHoldings();
  holdings.miss(key, 0);
  deepEqual([holdings.models.size, holdings.listed, holdings.residentBytes], [0, undefined, 0]);
});

Deno.test("a refused model is remembered, though it is listed the same again and again", () => {
  const holdings = new NodeHoldings();
  const list = listed({ name: "a", digest: "1", size: 9 });
  holdings.learn({ listed: list, resident }, 0);
  equal(holdings.mayHaveRefused, false);
  holdings.refuse(key, 0);
  holdings.learn({ listed: list, resident }, 599_999);
  deepEqual([holdings.hasRefused(key, 599_999), holdings.hasRefused("other", 0)], [true, false]);
  equal(holdings.hasRefused(key, 600_000), false);
  holdings.learn({ listed: list, resident }, 600_000);
  equal(holdings.mayHaveRefused, false);
});

Deno.test("what was in memory can be forgotten without what is held", () => {
  const holdings = new NodeHoldings();
  holdings.learn({ listed: listed({ name: "a" }), resident }, 0);
  holdings.forgetResident();
  deepEqual([holdings.resident.size, holdings.residentBytes, holdings.models.size], [0, 0, 1]);
});
