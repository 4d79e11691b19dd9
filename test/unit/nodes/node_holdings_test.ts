import { deepEqual, equal } from "node:assert/strict";
import { parseModels, parseResident } from "../../../lib/nodes/node_answers.ts";
import { NodeHoldings } from "../../../lib/nodes/node_holdings.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";

const { key } = toWanted("a");

function listed(...models: { name: string; digest?: string; size?: number }[]) {
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

Deno.test("a refused model is remembered with its size, though it is listed the same again and again", () => {
  const holdings = new NodeHoldings();
  const list = listed({ name: "a", digest: "1", size: 9 });
  holdings.learn({ listed: list, resident }, 0);
  equal(holdings.hasRefused, false);
  holdings.refuse(key, 0);
  holdings.learn({ listed: list, resident }, 599_999);
  deepEqual([holdings.hasRefused, holdings.refusedBytesOf(key, 599_999)], [true, 9]);
  holdings.learn({ listed: list, resident }, 600_000);
  equal(holdings.hasRefused, false);
});

Deno.test("what was in memory can be forgotten without what is held", () => {
  const holdings = new NodeHoldings();
  holdings.learn({ listed: listed({ name: "a" }), resident }, 0);
  holdings.forgetResident();
  deepEqual([holdings.resident.size, holdings.residentBytes, holdings.models.size], [0, 0, 1]);
});
