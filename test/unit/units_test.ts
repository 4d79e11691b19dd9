import { equal, throws } from "node:assert/strict";
import { formatBytes, formatDuration, GIB, MIB, parseBytes, parseDuration } from "../../lib/units.ts";

Deno.test("parseDuration() reads what people write", () => {
  for (
    const [text, ms] of [
      ["250ms", 250],
      ["10m", 600_000],
      ["1h30m", 5_400_000],
      ["1.5s", 1_500],
      ["30", 30_000],
      ["0", 0],
      [
        " 2d ",
        172_800_000,
      ],
    ] as const
  ) equal(parseDuration(text), ms, text);
});

Deno.test("parseDuration() refuses what is no duration, with an example", () => {
  for (const text of ["", "ten", "10 m", "-5s", "5x", "m", "1e3s", "10m later"]) {
    throws(() => parseDuration(text), { name: "RangeError", message: /write for example/ }, text);
  }
});

Deno.test("parseBytes() reads what people write", () => {
  for (
    const [text, bytes] of [["24GiB", 24 * GIB], ["512 MB", 512e6], ["1.5g", 1.5 * GIB], ["0", 0], ["7", 7], [
      "1k",
      1024,
    ], [
      "16mib",
      16 * MIB,
    ]] as const
  ) equal(parseBytes(text), bytes, text);
});

Deno.test("parseBytes() refuses what is no size", () => {
  for (const text of ["", "GiB", "-1", "12 parsecs", "1e9", "9999999999TiB", "0x10"]) {
    throws(() => parseBytes(text), { name: "RangeError", message: /write for example/ }, text);
  }
});

Deno.test("sizes and durations are written for people", () => {
  equal(formatBytes(71 * GIB), "71.0 GiB");
  equal(formatBytes(0.85 * MIB), "870.4 KiB");
  equal(formatBytes(3 * MIB), "3.00 MiB");
  equal(formatBytes(512), "512 B");
  equal(formatDuration(85.4), "85 ms");
  equal(formatDuration(2_400), "2.4 s");
  equal(formatDuration(200_000), "3 min 20 s");
  equal(formatDuration(3_900_000), "1 h 5 min");
  equal(formatDuration(999.6), "1.0 s");
  equal(formatDuration(59_960), "1 min 0 s");
  equal(formatDuration(599_999), "10 min 0 s");
  equal(formatDuration(3_599_999), "1 h 0 min");
});
