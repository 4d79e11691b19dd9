import { deepEqual, equal } from "node:assert/strict";
import { startProgress } from "../../../lib/cli/progress.ts";
import { FakeOutput } from "../../fakes/fake_cli_host.ts";

for (
  const { name, stderr, env } of [
    { name: "into a pipe", stderr: new FakeOutput(), env: {} },
    { name: "on a dumb terminal", stderr: new FakeOutput(true), env: { TERM: "dumb" } },
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

Deno.test("startProgress() spins in one line of a terminal and leaves it empty", () => {
  const stderr = new FakeOutput(true, 12);
  {
    using progress = startProgress({ stderr, env: {} }, "Looking");
    progress.update("Fetching\nsomething long");
  }
  deepEqual(stderr.text.split("\r\x1b[2K"), ["", "⠋ Looking", "⠙ Fetching\u{fffd}", ""]);
});
