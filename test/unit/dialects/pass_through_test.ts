import { deepEqual, equal } from "node:assert/strict";
import { passedTo } from "../../../lib/dialects/pass_through.ts";

const text = `{"model":"tiny","seed":12345678901234567890,"stream":true}`;
const body = new TextEncoder().encode(text);
const request = { target: "/v1/x", body, model: "tiny", stream: true, format: "openai" } as const;

Deno.test("the very bytes pass where the upstream calls the model as the client does", () => {
  for (const modelName of [undefined, "tiny"]) {
    const exchange = passedTo({ modelName }, request);
    equal(exchange.body, body);
    deepEqual({ ...exchange, body: undefined }, {
      target: "/v1/x",
      body: undefined,
      stream: true,
      format: "openai",
    });
  }
});

Deno.test("where it is called otherwise only the name changes", () => {
  const exchange = passedTo({ modelName: "tiny:latest" }, request);
  equal(new TextDecoder().decode(exchange.body), text.replace(`"tiny"`, `"tiny:latest"`));
});
