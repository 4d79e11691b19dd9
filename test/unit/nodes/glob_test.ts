import { equal } from "node:assert/strict";
import { matchesGlob } from "../../../lib/nodes/glob.ts";

for (
  const { pattern, text, isMatch } of [
    { pattern: "", text: "", isMatch: true },
    { pattern: "", text: "a", isMatch: false },
    { pattern: "*", text: "", isMatch: true },
    { pattern: "***", text: "a\nb", isMatch: true },
    { pattern: "ab", text: "ab", isMatch: true },
    { pattern: "ab", text: "abc", isMatch: false },
    { pattern: "a*", text: "ab", isMatch: true },
    { pattern: "a*", text: "ba", isMatch: false },
    { pattern: "*a", text: "ba", isMatch: true },
    { pattern: "*a", text: "ab", isMatch: false },
    { pattern: "ab*ba", text: "aba", isMatch: false },
    { pattern: "ab*ba", text: "abba", isMatch: true },
    { pattern: "*ab*ab*", text: "aab", isMatch: false },
    { pattern: "*ab*ab*", text: "abab", isMatch: true },
    { pattern: "a*b*b", text: "ab", isMatch: false },
    { pattern: "a*b*bc", text: "abbc", isMatch: true },
    { pattern: "a.c", text: "abc", isMatch: false },
  ]
) {
  Deno.test(`${JSON.stringify(pattern)} ${isMatch ? "stands" : "does not stand"} for ${JSON.stringify(text)}`, () => {
    equal(matchesGlob(pattern, text), isMatch);
  });
}

Deno.test("whoever chooses the text cannot make it slow", () => {
  const pattern = `${"*-".repeat(20)}*q4*`; // would be the work of years for an expression that goes back
  equal(matchesGlob(pattern, "-".repeat(100_000)), false);
});

Deno.test("it finds what an expression finds", () => {
  const texts = ["", "a", "b", "ab", "ba", "aab", "aba", "abab", "bbaa", "abba"];
  const signs = ["a", "b", "*"];
  const patterns = [0, 1, 2, 3].reduce((all) => all.flatMap((one) => signs.map((sign) => one + sign)), [""]);
  for (const pattern of patterns) {
    const expression = new RegExp(`^${pattern.replaceAll("*", ".*")}$`);
    for (const text of texts) equal(matchesGlob(pattern, text), expression.test(text), `${pattern} ${text}`);
  }
});
