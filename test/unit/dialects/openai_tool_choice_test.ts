import { deepEqual, equal, throws } from "node:assert/strict";
import { readToolWish } from "../../../lib/dialects/openai_tool_choice.ts";
import type { GatewayError } from "../../../lib/errors.ts";

const TOOLS = ["f", "g"];

for (const said of [undefined, null, "auto", "required", "any", { type: "web_search" }, { type: "custom" }]) {
  Deno.test(`upstreams are told ${JSON.stringify(said)} as it is`, () => {
    equal(readToolWish(said, TOOLS), undefined);
  });
}

for (
  const { said, want } of [
    { said: "none", want: { choice: "none", names: undefined } },
    {
      said: { type: "function", function: { name: "g" } },
      want: { choice: "required", names: new Set(["g"]) },
    },
    { said: { function: { name: "g" } }, want: { choice: "required", names: new Set(["g"]) } },
    { said: { type: "function", name: "f" }, want: { choice: "required", names: new Set(["f"]) } },
    {
      said: {
        type: "allowed_tools",
        allowed_tools: { mode: "required", tools: [{ function: { name: "f" } }] },
      },
      want: { choice: "required", names: new Set(["f"]) },
    },
    {
      said: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "f" }, { name: "g" }] },
      want: { choice: "auto", names: new Set(["f", "g"]) },
    },
  ]
) {
  Deno.test(`${JSON.stringify(said)} is understood`, () => deepEqual(readToolWish(said, TOOLS), want));
}

for (
  const { said, tools, message } of [
    { said: { function: { name: "h" } }, tools: TOOLS, message: /"h".*its tools are f, g$/ },
    { said: { function: { name: "h" } }, tools: [], message: /"h".*the request has no tools$/ },
    { said: { function: { name: 5 } }, tools: TOOLS, message: /must name a tool$/ },
    { said: {}, tools: TOOLS, message: /must name a tool$/ },
    { said: { type: "allowed_tools", tools: [{ name: "h" }] }, tools: TOOLS, message: /"h"/ },
    { said: { type: "allowed_tools", tools: [null] }, tools: TOOLS, message: /must name a tool$/ },
  ]
) {
  Deno.test(`${JSON.stringify(said)} is refused with ${tools.length} tools`, () => {
    throws(() => readToolWish(said, tools), (error: GatewayError) => {
      deepEqual([error.code, error.field], ["invalid_request", "tool_choice"]);
      equal(message.test(error.message), true, error.message);
      return true;
    });
  });
}
