import { deepEqual, equal, throws } from "node:assert/strict";
import { jsonIn, requireJson } from "../../lib/json_text.ts";

for (const { text, value } of [{ text: `{"a":[1]}`, value: { a: [1] } }, { text: " null ", value: null }]) {
  Deno.test(`${text} is JSON`, () => {
    deepEqual(jsonIn(text), value);
    deepEqual(requireJson(text), value);
  });
}

for (const text of ["", "<html>", `{"a":`, "undefined", "\ufeff{}"]) {
  Deno.test(`${JSON.stringify(text)} is no JSON`, () => {
    equal(jsonIn(text), undefined);
    throws(() => requireJson(text), { name: "RangeError", message: "must be JSON" });
  });
}
