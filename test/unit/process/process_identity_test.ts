import { deepEqual, equal, throws } from "node:assert/strict";
import { hasWords, parseProcessStat } from "../../../lib/process/process_identity.ts";

/** As Linux 6.1 writes it: 52 fields. */
function statOf(
  { pid = "17030", name = "cat", state = "R", groupId = "17023", startTicks = "2278693" } = {},
): string {
  return `${pid} (${name}) ${state} 17022 ${groupId} 10829 0 -1 4194304 98 0 0 0 0 0 0 0 20 0 1 0 ${startTicks} ` +
    `3133440 362 18446744073709551615 94600700473344 94600700493225 140736166313376 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 ` +
    "94600700509232 94600700510848 94601381822464 140736166316728 140736166316748 140736166316748 140736166318059 0\n";
}

Deno.test("parseProcessStat() reads pid, group, start time and whether it lives", () => {
  deepEqual(parseProcessStat(statOf()), { pid: 17030, groupId: 17023, startTicks: 2278693, isAlive: true });
});

for (const name of ["llama server", "a) Z 1 (b", "((", "))) R 1 1", "", "\n", "💥"]) {
  Deno.test(`parseProcessStat() reads a process that calls itself ${JSON.stringify(name)}`, () => {
    deepEqual(parseProcessStat(statOf({ name })), parseProcessStat(statOf()));
  });
}

for (
  const [state, isAlive] of [
    ["R", true],
    ["S", true],
    ["D", true],
    ["T", true],
    ["t", true],
    ["I", true],
    [
      "Z",
      false,
    ],
    ["X", false],
    ["x", false],
  ] as const
) {
  Deno.test(`a process in state ${state} ${isAlive ? "lives" : "has ended"}`, () => {
    equal(parseProcessStat(statOf({ state })).isAlive, isAlive);
  });
}

const WHOLE = statOf();
for (
  const [what, text] of Object.entries({
    nothing: "",
    "a line that is cut off before the start time": WHOLE.slice(0, WHOLE.indexOf(" 2278693")),
    "no pid": statOf({ pid: "" }),
    "a pid that is a word": statOf({ pid: "self" }),
    "a group that is a word": statOf({ groupId: "x" }),
    "a start time that is no whole number": statOf({ startTicks: "1.5" }),
    "a start time beyond all numbers": statOf({ startTicks: "9".repeat(30) }),
    "a state of two letters": statOf({ state: "RR" }),
    "something else": "<html></html>",
  })
) {
  Deno.test(`parseProcessStat() refuses ${what}`, () => {
    throws(() => parseProcessStat(text), { name: "RangeError", message: /is no line of \/proc\/PID\/stat$/ });
  });
}

const COMMAND = ["/bin/llama-server", "-m", "/models/a b.gguf", "-a", "-m"];
for (
  const [words, want] of [
    [["-m", "/models/a b.gguf"], true],
    [["/bin/llama-server"], true],
    [["-a", "-m"], true],
    [COMMAND, true],
    [["-m", "-a"], false],
    [["-m", "/models/a"], false],
    [["-m", "/models/a b.gguf", "-a", "-m", "more"], false],
    [["llama-server"], false],
  ] as const
) {
  Deno.test(`a command line ${want ? "holds" : "does not hold"} ${JSON.stringify(words)}`, () => {
    equal(hasWords(COMMAND, words), want);
  });
}

Deno.test("the empty command line of a process that has ended holds nothing", () => {
  equal(hasWords([], ["-m"]), false);
});
