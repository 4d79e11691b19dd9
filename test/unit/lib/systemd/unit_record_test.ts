import { deepEqual, equal, ok } from "node:assert/strict";
import { isUntouched, sealed } from "../../../../systemd/seal.ts";
import { originOf, recordIn, withRecord } from "../../../../lib/systemd/unit_record.ts";

const BARE = {
  name: "sollol-rpc.service",
  text: sealed(
    [
      "# sollol-rpc.service, made by sollol 1.0.",
      "# Change it with `systemctl edit sollol-rpc.service`.",
      "",
      "[Service]",
      "ExecStart=/opt/sollol-rpc/run --say %%C/sollol-rpc",
      "Environment=LLAMA_CACHE=%C/sollol-rpc",
      "CacheDirectory=sollol-rpc",
      "",
    ].join("\n"),
  ),
};
const ARGS = ["rpc-server", "--devices=CUDA0", '--odd="quoted" \\ %h $HOME é\n'];
const UNIT = withRecord(BARE, ARGS);

Deno.test("withRecord() keeps every argument in one comment, and the seal fits", () => {
  deepEqual(recordIn(UNIT.text), ARGS);
  ok(isUntouched(UNIT.text));
  const added = UNIT.text.split("\n").filter((line) => !BARE.text.includes(line));
  equal(added.length, 2, added.join("\n")); // the record and the new seal
  ok(added[0]!.startsWith("#"));
});

for (
  const { name, text, want } of [
    { name: "as we wrote it", text: UNIT.text, want: "untouched" },
    { name: "with another value", text: UNIT.text.replace("CUDA0", "CUDA1"), want: "edited" },
    { name: "with a line after the seal", text: `${UNIT.text}# mine\n`, want: "edited" },
    { name: "without its seal", text: UNIT.text.replace(/# sollol-seal.*\n/, ""), want: "edited" },
    { name: "without a record", text: BARE.text, want: "foreign" },
    { name: "with a record of something else", text: "# Arguments: {}\n[Service]\n", want: "foreign" },
    { name: "with a record of numbers", text: "# Arguments: [1]\n[Service]\n", want: "foreign" },
    { name: "with a broken record", text: "# Arguments: [\n[Service]\n", want: "foreign" },
    { name: "of somebody else", text: "[Service]\nExecStart=/bin/true\n", want: "foreign" },
    { name: "that is empty", text: "", want: "foreign" },
  ]
) {
  Deno.test(`originOf() takes a unit ${name} for ${want}`, () => equal(originOf(text), want));
}
