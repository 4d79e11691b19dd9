import { deepEqual, equal } from "node:assert/strict";
import { painter, printable, wrap } from "../../../lib/cli/terminal.ts";
import { FakeOutput } from "../../fakes/fake_cli_host.ts";

for (
  const { name, isTerminal, env, want } of [
    { name: "on a terminal", isTerminal: true, env: {}, want: "\x1b[31mno\x1b[39m" },
    {
      name: "on a terminal with an empty NO_COLOR",
      isTerminal: true,
      env: { NO_COLOR: "" },
      want: "\x1b[31mno\x1b[39m",
    },
    { name: "not against NO_COLOR", isTerminal: true, env: { NO_COLOR: "1" }, want: "no" },
    { name: "not on a dumb terminal", isTerminal: true, env: { TERM: "dumb" }, want: "no" },
    { name: "not into a pipe", isTerminal: false, env: {}, want: "no" },
  ]
) {
  Deno.test(`painter() colours ${name}`, () => {
    equal(painter(new FakeOutput(isTerminal), env)("bad", "no"), want);
  });
}

Deno.test("printable() defuses what would steer a terminal, and leaves other scripts alone", () => {
  equal(printable("a\x1b[2Jb\r\nc\u202ed\x9b"), "a�[2Jb��c�d�");
  equal(printable("größe モデル 🦙"), "größe モデル 🦙");
});

Deno.test("wrap() breaks at spaces and keeps words whole", () => {
  deepEqual(wrap("one two  three\nfour", 9), ["one two", "three", "four"]);
  deepEqual(wrap("a unbreakable b", 5), ["a", "unbreakable", "b"]);
  deepEqual(wrap("", 5), []);
});
