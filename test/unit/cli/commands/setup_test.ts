import { deepEqual, equal, match } from "node:assert/strict";
import { setupCommand, showSetup } from "../../../../lib/cli/commands/setup.ts";
import { startProgress } from "../../../../lib/cli/progress.ts";
import { runCli } from "../../../../lib/cli/run.ts";
import type { SetupProgress } from "../../../../lib/llama_cpp/setup.ts";
import { MIB } from "../../../../lib/units.ts";
import { FakeCliHost, FakeOutput } from "../../../fakes/fake_cli_host.ts";

/** All that a setup of so many packages of 1 MiB tells. */
function stagesOf(packageCount: number): SetupProgress[] {
  const downloads = Array.from({ length: packageCount }, (_, index) => ({
    stage: "download" as const,
    name: `package-${index + 1}`,
    index: index + 1,
    packageCount,
    doneBytes: index * MIB,
    totalBytes: packageCount * MIB,
  }));
  return [
    { stage: "lists", suite: "forky", mirror: "http://mirror.invalid" },
    { stage: "resolve" },
    ...downloads,
    { stage: "unpack", packageCount },
    { stage: "verify" },
  ];
}

function linesOf(packageCount: number): string[] {
  const stderr = new FakeOutput();
  {
    using progress = startProgress({ stderr, env: {} }, "Looking");
    stagesOf(packageCount).forEach(showSetup(progress));
  }
  return stderr.text.trimEnd().split("\n");
}

Deno.test("showSetup() writes a line a stage into a pipe, and two for all packages", () => {
  deepEqual(linesOf(12), [
    "Looking",
    "Fetching the package lists of forky from http://mirror.invalid",
    "Choosing packages",
    "Fetching package-1 (1 of 12, 0 B of 12.0 MiB done)",
    "Fetching package-7 (7 of 12, 6.00 MiB of 12.0 MiB done)",
    "Unpacking 12 packages",
    "Trying the programs",
  ]);
});

for (const packageCount of [1, 2, 3, 13, 100]) {
  Deno.test(`showSetup() writes at most two lines for ${packageCount} packages`, () => {
    const downloads = linesOf(packageCount).filter((line) => line.startsWith("Fetching package-"));
    equal(downloads.length, Math.min(packageCount, 2));
  });
}

Deno.test("sollol setup refuses a prefix beside --system, which is one", async () => {
  const host = new FakeCliHost();
  const root = { name: "sollol", summary: "", commands: [setupCommand] };
  equal(await runCli(root, ["setup", "--system", "--prefix", "/srv/llama.cpp"], host), 2);
  match(host.stderr.text, /leave out --prefix/);
});
