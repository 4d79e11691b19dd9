import { deepEqual, equal, ok } from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { startProgress } from "../../../lib/cli/progress.ts";
import { FakeOutput } from "../../fakes/fake_cli_host.ts";

for (
  const { name, stderr, env } of [
    { name: "into a pipe", stderr: new FakeOutput(), env: {} },
    { name: "on a dumb terminal", stderr: new FakeOutput(true), env: { TERM: "dumb" } },
    { name: "in a CI job with a terminal", stderr: new FakeOutput(true), env: { CI: "true" } },
  ]
) {
  Deno.test(`startProgress() writes a line for each new step ${name}`, () => {
    {
      using progress = startProgress({ stderr, env }, "Looking");
      progress.update("Fetching");
      progress.update("Fetching");
      progress.update("Un\x1bpacking");
    }
    equal(stderr.text, "Looking\nFetching\nUn\u{fffd}packing\n");
  });
}

Deno.test("startProgress() leaves details out where each would take a line", () => {
  const stderr = new FakeOutput();
  {
    using progress = startProgress({ stderr, env: {} }, "Looking");
    progress.update("Fetching 1", { isDetail: false });
    progress.update("Fetching 2", { isDetail: true });
  }
  equal(stderr.text, "Looking\nFetching 1\n");
});

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/** What stood in the line, one entry each time that it was erased; spinning dots are a `*`. */
function drawnLines({ text }: FakeOutput): string[] {
  const lines = text.split("\x1b[1G\x1b[0K").map(stripVTControlCharacters);
  return lines.map((line) => line.replace(/^[\u2800-\u28ff]/, "*"));
}

/** The spinner asks the process, not our injected variables, whether it may spin. */
function onTerminal(test: () => void): void {
  const variables = { TERM: "xterm", CI: undefined };
  const saved = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  const assign = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  for (const [name, value] of Object.entries(variables)) assign(name, value);
  try {
    test();
  } finally {
    for (const [name, value] of saved) assign(name, value);
  }
}

Deno.test("startProgress() spins in one line of a terminal and leaves it empty, with its cursor", () =>
  onTerminal(() => {
    const stderr = new FakeOutput(true);
    {
      using progress = startProgress({ stderr, env: {} }, "Looking");
      progress.update("Fetching\nsomething", { isDetail: true });
    }
    deepEqual(drawnLines(stderr), ["* Looking", "* Fetching\u{fffd}something", ""]);
    ok(stderr.text.lastIndexOf(SHOW_CURSOR) > stderr.text.lastIndexOf(HIDE_CURSOR));
  }));

Deno.test("startProgress() gives the cursor back to a program that exits at once", () =>
  onTerminal(() => {
    const stderr = new FakeOutput(true);
    using _progress = startProgress({ stderr, env: {} }, "Looking");
    dispatchEvent(new Event("unload"));
    deepEqual(drawnLines(stderr), ["* Looking", ""]);
    ok(stderr.text.lastIndexOf(SHOW_CURSOR) > stderr.text.lastIndexOf(HIDE_CURSOR));
  }));
