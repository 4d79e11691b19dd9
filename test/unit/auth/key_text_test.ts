import { deepEqual, ok, throws } from "node:assert/strict";
import { parseKeyLines } from "../../../lib/auth/key_text.ts";

for (
  const { name, text, want } of [
    { name: "one key without a line feed", text: "abc", want: ["abc"] },
    {
      name: "several, with comments and empty lines",
      text: "# old\nabc\n\n  # new\n def \n",
      want: ["abc", "def"],
    },
    { name: "lines as Windows ends them", text: "abc\r\ndef\r\n", want: ["abc", "def"] },
    { name: "a key of the longest kind", text: "k".repeat(254), want: ["k".repeat(254)] },
  ]
) {
  Deno.test(`parseKeyLines() reads ${name}`, () => deepEqual(parseKeyLines(text), want));
}

for (
  const { name, text, want } of [
    { name: "nothing", text: "", want: /has no key; write one a line/ },
    { name: "only comments", text: "# abc\n\n", want: /has no key/ },
    { name: "a key with a space", text: "ok\nmy hunter2 key", want: /line 2: it must be printable ASCII/ },
    { name: "letters that no header has", text: "hunter2é", want: /line 1: it must be printable ASCII/ },
    { name: "a key that is too long", text: "hunter2".repeat(40), want: /line 1: it must have at most 254/ },
    { name: "zeros", text: "\0\0\0", want: /line 1/ },
    { name: "the same key twice", text: "hunter2\nx\nhunter2", want: /the same key in lines 1 and 3/ },
    { name: "a hash", text: `sha256:${"0".repeat(64)}`, want: /a hash in line 1; write hashes to "hash"/ },
  ]
) {
  Deno.test(`parseKeyLines() refuses ${name}, and shows nothing of it`, () => {
    throws(() => parseKeyLines(text), (error: RangeError) => {
      ok(error instanceof RangeError && want.test(error.message), error.message);
      ok(!error.message.includes("hunter2"), error.message);
      return true;
    });
  });
}
