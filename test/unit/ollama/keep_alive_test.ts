import { equal, throws } from "node:assert/strict";
import { FOREVER, parseKeepAlive } from "../../../lib/ollama/keep_alive.ts";

const TABLE: readonly (readonly [said: string | number, wantMs: number, what: string])[] = [
  ["10m", 600_000, "a duration"],
  ["1h30m", 5_400_000, "a duration of several parts"],
  ["250ms", 250, "a short duration"],
  [300, 300_000, "a number as seconds"],
  ["300", 300_000, "a number in quotes as seconds"],
  [0.5, 500, "a part of a second"],
  [" 5m ", 300_000, "a duration among blanks"],
  [0, 0, "0 as: at once"],
  ["0", 0, "0 in quotes as: at once"],
  ["0s", 0, "0 s as: at once"],
  [-0, 0, "a negative nothing as: at once"],
  ["-0s", 0, "a negative nothing in words as: at once"],
  [-1, FOREVER, "-1 as: for ever"],
  ["-1", FOREVER, "-1 in quotes as: for ever"],
  ["-1m", FOREVER, "a negative duration as: for ever"],
  ["- 5s", FOREVER, "a negative duration with a blank as: for ever"],
  ["24d", 24 * 86_400_000, "24 days, which a timer can hold"],
  [2_147_483.647, 2 ** 31 - 1, "the longest time that a timer can hold"],
  [2_147_483.648, FOREVER, "a moment more as: for ever"],
  ["365d", FOREVER, "a year as: for ever"],
  ["9".repeat(400), FOREVER, "a time beyond all numbers as: for ever"],
];

for (const [said, wantMs, what] of TABLE) {
  Deno.test(`keep_alive takes ${what}`, () => equal(parseKeepAlive(said), wantMs));
}

for (
  const said of [
    "",
    " ",
    "soon",
    "-",
    "--1",
    "-soon",
    "5 minutes",
    "1e3",
    "+5m",
    "5m-1s",
    NaN,
    Infinity,
    -Infinity,
  ]
) {
  Deno.test(`keep_alive refuses ${JSON.stringify(said)} (${said})`, () => {
    throws(() => parseKeepAlive(said), {
      name: "RangeError",
      message: `"${
        String(said).trim()
      }" is no keep_alive; write for example "10m", 300, 0 (unload) or -1 (for ever)`,
    });
  });
}
