import { equal } from "node:assert/strict";
import fc from "fast-check";
import { withModel } from "../../../lib/dialects/openai_model.ts";

const replaced = (body: string, model = "b") =>
  new TextDecoder().decode(withModel(new TextEncoder().encode(body), model));

for (
  const { name, body, want } of [
    { name: "replaced", body: `{"model":"a","n":1.0}`, want: `{"model":"b","n":1.0}` },
    {
      name: "replaced between spaces",
      body: `{ "x" : 1 , "model" :\n "a" }`,
      want: `{ "x" : 1 , "model" :\n "b" }`,
    },
    { name: "replaced where it is null", body: `{"model":null}`, want: `{"model":"b"}` },
    { name: "replaced behind an escaped key", body: `{"\\u006dodel":"a"}`, want: `{"\\u006dodel":"b"}` },
    {
      name: "replaced wherever it stands twice",
      body: `{"model":"a","model":"c"}`,
      want: `{"model":"b","model":"b"}`,
    },
    { name: "added where there is none", body: `{"n":1}`, want: `{"model":"b","n":1}` },
    { name: "added to what is empty", body: ` { } `, want: ` {"model":"b" } ` },
    {
      name: "left alone inside others",
      body: `{"x":{"model":"a"},"y":["model"],"model":"a"}`,
      want: `{"x":{"model":"a"},"y":["model"],"model":"b"}`,
    },
    {
      name: "left alone inside texts",
      body: `{"x":"\\"model\\":\\"a\\"","model":"a"}`,
      want: `{"x":"\\"model\\":\\"a\\"","model":"b"}`,
    },
    { name: "not taken from a value", body: `{"x":"model","model":"a"}`, want: `{"x":"model","model":"b"}` },
  ]
) {
  Deno.test(`the model is ${name}`, () => equal(replaced(body), want));
}

Deno.test("a big number stays what it was", () => {
  equal(replaced(`{"seed":12345678901234567890,"model":"a"}`), `{"seed":12345678901234567890,"model":"b"}`);
});

Deno.test("whatever object it is, only its model changes", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (rest, model) => {
    const { model: _, ...others } = rest;
    const body = JSON.stringify({ ...others, model: "before" });
    equal(replaced(body, model), JSON.stringify({ ...others, model }));
  }));
});
