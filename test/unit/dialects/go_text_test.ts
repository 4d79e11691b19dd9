import { equal } from "node:assert/strict";
import { goNumber, goQuoted } from "../../../lib/dialects/go_text.ts";

for (
  const [value, want] of [
    [0, "0"],
    [-1, "-1"],
    [0.7, "0.7"],
    [2_048, "2048"],
    [131_072, "131072"],
    [999_999, "999999"],
    [1_000_000, "1e+06"],
    [1_048_576, "1.048576e+06"],
    [-2_500_000, "-2.5e+06"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [1.5e-10, "1.5e-10"],
    [1e100, "1e+100"],
  ] as const
) {
  Deno.test(`Go writes ${value} as ${want}`, () => equal(goNumber(value), want));
}

for (
  const { name, text, want } of [
    { name: "plain text", text: "<|im_end|>", want: `"<|im_end|>"` },
    { name: "quotes and backslashes", text: `a "b" \\c`, want: String.raw`"a \"b\" \\c"` },
    { name: "white space", text: "\n\r\t\v\f\b\x07", want: String.raw`"\n\r\t\v\f\b\a"` },
    { name: "control characters", text: "\x00\x1b\x7f", want: String.raw`"\x00\x1b\x7f"` },
    { name: "letters of any script", text: "é漢😀", want: `"é漢😀"` },
    { name: "blanks that are not the common one", text: "\u00a0\u2003", want: String.raw`"\u00a0\u2003"` },
    { name: "characters beyond 16 bits that nobody sees", text: "\u{e0001}", want: String.raw`"\U000e0001"` },
  ]
) {
  Deno.test(`Go quotes ${name}`, () => equal(goQuoted(text), want));
}
