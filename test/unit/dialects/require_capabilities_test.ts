import { deepEqual, throws } from "node:assert/strict";
import { mediaWishes, requireCapabilities } from "../../../lib/dialects/require_capabilities.ts";
import type { Capability } from "../../../lib/dialects/served_model.ts";
import { servedModel } from "../../fixtures/served_model.ts";

const wish = (needed: Capability, isWished = true) => ({
  isWished,
  needed,
  word: needed,
  field: `${needed}s`,
});

Deno.test("a model is refused what it cannot do, the first wish of several", () => {
  throws(() => requireCapabilities("m", servedModel(), [wish("tools"), wish("vision"), wish("insert")]), {
    code: "invalid_request",
    field: "visions",
    message: `"m" does not support vision`,
  });
});

Deno.test("a model is not refused what nobody wants, or what it can do", () => {
  requireCapabilities("m", servedModel(), [wish("vision", false), wish("completion")]);
  requireCapabilities("m", servedModel(), []);
});

for (
  const { types, want } of [
    { types: [], want: [] },
    { types: ["image/png", "image/webp"], want: ["vision"] },
    { types: ["audio/wav"], want: ["audio"] },
    { types: ["audio/wav", "image/png"], want: ["vision", "audio"] },
  ]
) {
  Deno.test(`media of ${types.join(", ") || "no type"} need ${want.join(" and ") || "nothing"}`, () => {
    const wishes = mediaWishes(types.map((type) => ({ type, base64: "AAAA" })));
    deepEqual(wishes.filter(({ isWished }) => isWished).map(({ needed }) => needed), want);
  });
}
