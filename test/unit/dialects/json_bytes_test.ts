import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { itemsIn, membersIn, objectOf, valuesOf, withValue } from "../../../lib/dialects/json_bytes.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const textsOf = (json: Uint8Array, key: string) =>
  valuesOf(json, key).map(({ start, end }) => decode(json.subarray(start, end)));

for (
  const { name, json, want } of [
    {
      name: "a number, to its last digit",
      json: `{"a":12345678901234567890.50}`,
      want: ["12345678901234567890.50"],
    },
    { name: "what stands between spaces", json: ` \n{ "b" : [1] ,\t"a" : -1e400 } `, want: ["-1e400"] },
    { name: "texts with quotes and backslashes", json: `{"a":"\\\\","b":"\\"a\\":1"}`, want: [`"\\\\"`] },
    {
      name: "what is nested, braces in texts aside",
      json: `{"a":{"a":["}",{"a":[]}]},"b":1}`,
      want: [`{"a":["}",{"a":[]}]}`],
    },
    { name: "each of several", json: `{"a":null,"b":{"a":0},"\\u0061":true}`, want: ["null", "true"] },
    { name: "nothing of what is empty", json: ` { } `, want: [] },
    { name: "what comes behind a byte order mark", json: `\ufeff{"a":false}`, want: ["false"] },
  ]
) {
  Deno.test(`valuesOf() finds ${name}`, () => deepEqual(textsOf(encode(json), "a"), want));
}

for (
  const [json, want] of [["[]", []], [" [ 1 , [2,[]] ] ", ["1", "[2,[]]"]], [`["]","\\","]`, [
    `"]"`,
    `"\\","`,
  ]]] as const
) {
  Deno.test(`itemsIn() of ${json}`, () => {
    const bytes = encode(json);
    deepEqual([...itemsIn(bytes)].map(({ start, end }) => decode(bytes.subarray(start, end))), want);
  });
}

Deno.test("all members and items of any JSON are found", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()), (object, list) => {
      const json = encode(JSON.stringify({ ...object, list }, null, 1));
      const members = [...membersIn(json)];
      const at = (start: number, end: number) => JSON.parse(decode(json.subarray(start, end)));
      deepEqual(
        Object.fromEntries(members.map(({ key, value }) => [key, at(value.start, value.end)])),
        JSON.parse(decode(json)),
      );
      const { start } = valuesOf(json, "list").at(-1)!;
      deepEqual(
        [...itemsIn(json, start)].map((item) => at(item.start, item.end)),
        JSON.parse(JSON.stringify(list)),
      );
      deepEqual(JSON.parse(decode(objectOf(json, members))), JSON.parse(decode(json)));
    }),
  );
});

Deno.test("objectOf() keeps the bytes of the members that are wanted", () => {
  const json = encode(`{ "a":1.0 , "b" : 2e400,"c":"}" }`);
  const without = (...keys: string[]) =>
    decode(objectOf(json, [...membersIn(json)].filter(({ key }) => !keys.includes(key))));
  equal(without("b"), `{"a":1.0,"c":"}"}`);
  equal(without("a"), `{"b" : 2e400,"c":"}"}`);
  equal(without("a", "b", "c"), "{}");
});

Deno.test("withValue() adds what is not there", () => {
  const value = encode("7");
  equal(decode(withValue(encode(`{"b":1.0}`), { key: 'a"', places: [], value })), `{"a\\"":7,"b":1.0}`);
  equal(decode(withValue(encode(" { }"), { key: "a", places: [], value })), ` {"a":7 }`);
});
