import { equal, strictEqual } from "node:assert/strict";
import {
  childrenOf,
  type JsonEdit,
  type JsonObject,
  objectAt,
  objectsIn,
  setMember,
  textOf,
  withEdits,
} from "../../../lib/dialects/json_edits.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const edited = (json: string, editsOf: (object: JsonObject) => JsonEdit[]) => {
  const bytes = encode(json);
  return new TextDecoder().decode(withEdits(bytes, editsOf(objectAt(bytes))));
};

for (
  const { name, json, edits, want } of [
    { name: "a value", json: `{"a" : 1.0, "b":2}`, edits: [["a", "7"]], want: `{"a" : 7, "b":2}` },
    {
      name: "each value of a key",
      json: `{"a":1,"b":2,"\\u0061":{}}`,
      edits: [["a", "7"]],
      want: `{"a":7,"b":2,"\\u0061":7}`,
    },
    { name: "what is not there", json: ` {"b":2}`, edits: [["a", "7"]], want: ` {"a":7,"b":2}` },
    { name: "something in nothing", json: `{ }`, edits: [["a", "[]"]], want: `{"a":[] }` },
    {
      name: "several, whatever their order",
      json: `{"a":1,"b":2,"c":"}{"}`,
      edits: [["c", "3"], ["d", "4"], ["e", "5"], ["a", "6"]],
      want: `{"d":4,"e":5,"a":6,"b":2,"c":3}`,
    },
  ] as const
) {
  Deno.test(`edits set ${name}`, () => {
    equal(edited(json, (object) => edits.flatMap(([key, value]) => setMember(object, key, value))), want);
  });
}

Deno.test("edits reach into lists and objects, and pass by what is none", () => {
  const json = `{"list":[{"x":{"y":1}},5,"{",[{}],{ "x" : {"y":[]} }],"list":{"x":{}}}`;
  const set = (object: JsonObject) =>
    objectsIn(object, "list").flatMap((item) => childrenOf(item, "x")).flatMap((x) =>
      setMember(x, "y", '"é"')
    );
  equal(edited(json, set), `{"list":[{"x":{"y":"é"}},5,"{",[{}],{ "x" : {"y":"é"} }],"list":{"x":{}}}`);
});

Deno.test("without edits it is the very same JSON, and each place tells its text", () => {
  const bytes = encode(`{"a":[1,{"b":"]"}]}`);
  strictEqual(withEdits(bytes, []), bytes);
  equal(textOf(bytes, objectAt(bytes).members[0]!.value), `[1,{"b":"]"}]`);
});
