import { equal, throws } from "node:assert/strict";
import { escapeForUnitName, instanceName } from "../../../systemd/unit_name.ts";

for (
  const { text, want } of [
    { text: "50052", want: "50052" },
    { text: "a_B.c:d", want: "a_B.c:d" },
    { text: "a/b", want: "a-b" },
    { text: "a-b", want: "a\\x2db" },
    { text: "a b", want: "a\\x20b" },
    { text: ".hidden.d", want: "\\x2ehidden.d" },
    { text: "a\\b", want: "a\\x5cb" },
    { text: "@%", want: "\\x40\\x25" },
    { text: "é🦙", want: "\\xc3\\xa9\\xf0\\x9f\\xa6\\x99" },
    { text: "a\nb", want: "a\\x0ab" },
  ]
) {
  Deno.test(`escapeForUnitName() writes ${JSON.stringify(text)} as ${want}`, () => {
    equal(escapeForUnitName(text), want);
  });
}

for (const text of ["", "a\0b", "\ud800"]) {
  Deno.test(`escapeForUnitName() refuses ${JSON.stringify(text)}`, () => {
    throws(() => escapeForUnitName(text), { name: "RangeError", message: /^Cannot name a unit/ });
  });
}

Deno.test("instanceName() stands between the template's @ and its suffix", () => {
  equal(instanceName("sollol-rpc@.service", "50052"), "sollol-rpc@50052.service");
  equal(instanceName("a@.socket", "b-c"), "a@b\\x2dc.socket");
});

for (const template of ["sollol.service", "@.service", "sollol-rpc@50052.service", "sollol-rpc@", ""]) {
  Deno.test(`instanceName() refuses ${JSON.stringify(template)} as a template`, () => {
    throws(() => instanceName(template, "1"), { name: "RangeError", message: /a template has @/ });
  });
}

Deno.test("instanceName() refuses an instance that makes the name too long for systemd", () => {
  const most = "x".repeat(255 - "sollol-rpc@.service".length);
  equal(instanceName("sollol-rpc@.service", most).length, 255);
  throws(() => instanceName("sollol-rpc@.service", `${most}x`), {
    name: "RangeError",
    message: /256 characters/,
  });
});
