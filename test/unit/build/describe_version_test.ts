import { equal } from "node:assert/strict";
import { formatVersion } from "../../build/describe_version.ts";

for (
  const { name, commit, isChanged, want } of [
    { name: "the commit", commit: "abc1234", isChanged: false, want: "0.1.0 (abc1234)" },
    {
      name: "the commit, and that it is not all",
      commit: "abc1234",
      isChanged: true,
      want: "0.1.0 (abc1234, changed)",
    },
    { name: "no commit where git knows none", commit: undefined, isChanged: true, want: "0.1.0" },
  ]
) {
  Deno.test(`formatVersion() tells ${name}`, () => equal(formatVersion("0.1.0", commit, isChanged), want));
}
