import { equal, match } from "node:assert/strict";
import { isUntouched, sealed, sealOf } from "../../../systemd/seal.ts";

const BODY = "[Service]\nType=exec\n";

Deno.test("a seal is the SHA-256 of all before it, in a comment at the end", () => {
  equal(sealOf(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  match(sealed(BODY), /^\[Service\]\nType=exec\n# sollol-seal: sha256:[0-9a-f]{64}\n$/);
  equal(isUntouched(sealed(BODY)), true);
});

for (
  const { name, text } of [
    { name: "a changed value", text: sealed(BODY).replace("exec", "idle") },
    { name: "a line more behind the seal", text: `${sealed(BODY)}Restart=no\n` },
    { name: "a line more before it", text: `# mine\n${sealed(BODY)}` },
    { name: "a seal without its line's end", text: sealed(BODY).trimEnd() },
    { name: "a blank line at the end", text: `${sealed(BODY)}\n` },
    { name: "line ends of Windows", text: sealed(BODY).replaceAll("\n", "\r\n") },
    { name: "a seal in capitals", text: BODY + sealed(BODY).slice(BODY.length).toUpperCase() },
    { name: "a seal cut short", text: sealed(BODY).slice(0, -10) },
    { name: "no seal", text: BODY },
    { name: "nothing at all", text: "" },
    { name: "a seal of something else", text: BODY + sealed("").slice(0) },
  ]
) {
  Deno.test(`isUntouched() sees ${name}`, () => equal(isUntouched(text), false));
}

Deno.test("isUntouched() knows a text that holds a seal of its own", () => {
  equal(isUntouched(sealed(sealed(BODY))), true);
});
