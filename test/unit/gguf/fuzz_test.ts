import { deepEqual, ok } from "node:assert/strict";
import { fuzzGguf } from "../../fuzz/gguf_fuzz.ts";

Deno.test("reading 2000 damaged headers ends in a header or a GgufSyntaxError, in bounded time and memory", async () => {
  const { accepted, refused, violations } = await fuzzGguf({ count: 2000, seed: 1 });
  deepEqual(violations, []);
  ok(
    accepted > 100 && refused > 100,
    `accepted ${accepted}, refused ${refused}: the mutations are too mild or wild`,
  );
});
