import { equal } from "node:assert/strict";
import * as z from "zod";
import { invalidField } from "../../lib/json_complaint.ts";

const shape = z.strictObject({
  model: z.string().min(1).max(5),
  slots: z.int().min(1).optional(),
  kind: z.enum(["a", "b"]).optional(),
  list: z.array(z.object({ role: z.string() })).max(2).optional(),
  parsed: z.string().transform((_said, context) => {
    context.addIssue({ code: "custom", message: `"x" is not a size` });
    return z.NEVER;
  }).optional(),
});

for (
  const [said, want, field] of [
    [{}, `"model" is missing; it must be text`, "model"],
    [{ model: 5 }, `"model" must be text, not a number`, "model"],
    [{ model: "" }, `"model" must have at least 1 character`, "model"],
    [{ model: "abcdef" }, `"model" must have at most 5 characters`, "model"],
    [{ model: "m", slots: 1.5 }, `"slots" must be a whole number`, "slots"],
    [{ model: "m", slots: 0 }, `"slots" must be at least 1`, "slots"],
    [{ model: "m", kind: "c" }, `"kind" must be one of a, b`, "kind"],
    [{ model: "m", list: [{ role: null }] }, `"list[0].role" must be text, not null`, "list[0].role"],
    [{ model: "m", list: [{}] }, `"list[0].role" is missing; it must be text`, "list[0].role"],
    [{ model: "m", parsed: "x" }, `"parsed": "x" is not a size`, "parsed"],
    [{ model: "m", modle: 1 }, `"modle": no such field is known; check its spelling`, "modle"],
    [[], `The body must be an object, not a list`, undefined],
    [null, `The body must be an object, not null`, undefined],
  ] as [unknown, string, string | undefined][]
) {
  Deno.test(`a client that sends ${JSON.stringify(said)} reads: ${want}`, () => {
    const error = invalidField(said, shape.safeParse(said).error!);
    equal(error.message, want);
    equal(error.field, field);
  });
}
