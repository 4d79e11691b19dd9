import { equal, throws } from "node:assert/strict";
import { parseUnitStem, stemOf } from "../../../../lib/systemd/unit_set.ts";

for (
  const { unit, want } of [
    { unit: "sollol.service", want: "sollol" },
    { unit: "sollol.socket", want: "sollol" },
    { unit: "sollol-rpc@.service", want: "sollol-rpc" },
    { unit: "sollol-rpc@50052.service", want: "sollol-rpc" },
    { unit: "a.b.service", want: "a.b" },
    { unit: "multi-user.target.wants", want: undefined },
    { unit: "sollol.timer", want: undefined },
    { unit: ".service", want: undefined },
  ]
) {
  Deno.test(`stemOf() finds ${want} in ${unit}`, () => equal(stemOf(unit), want));
}

for (const name of ["gpu-two", "gpu_2", "gpu-two.service", "9"]) {
  Deno.test(`parseUnitStem() takes ${name}`, () => equal(parseUnitStem(name), name.replace(".service", "")));
}

for (
  const name of [
    "",
    ".service",
    "-x",
    ".x",
    "a b",
    "a/b",
    "a.b",
    "../x",
    "a@b",
    "a%i",
    "a$b",
    "a\nb",
    "é",
    'a"b',
    "a\\x2d",
    "x".repeat(101),
  ]
) {
  Deno.test(`parseUnitStem() refuses ${JSON.stringify(name.slice(0, 20))}`, () => {
    throws(() => parseUnitStem(name), { name: "RangeError", message: /cannot name a unit; use letters/ });
  });
}
