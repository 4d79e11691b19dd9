import { equal } from "node:assert/strict";
import { momentText } from "../../../lib/dialects/moment_text.ts";

for (
  const [ms, want] of [
    [1_000, "1970-01-01T00:00:01.000Z"],
    [8.64e15, "+275760-09-13T00:00:00.000Z"],
    [8.65e15, "1970-01-01T00:00:00.000Z"],
    [-Infinity, "1970-01-01T00:00:00.000Z"],
    [NaN, "1970-01-01T00:00:00.000Z"],
  ] as const
) {
  Deno.test(`${ms} ms is told as ${want}`, () => equal(momentText(ms), want));
}
