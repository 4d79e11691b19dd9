import { deepEqual, equal, match } from "node:assert/strict";
import {
  compareVersions,
  parseLlamaVersion,
  parseRpcBanner,
  type VersionReading,
} from "../../../lib/llama_cpp/version.ts";

for (
  const { name, output, want } of [
    {
      name: "the current form with a release",
      output: "version: 0.7.0 (build 11669, commit Debian)\nbuilt with GNU 16.2.0 for Linux x86_64\n",
      want: { text: "0.7.0 (build 11669, commit Debian)", build: 11669, commit: "Debian" },
    },
    {
      name: "the older form, after the lines of a GPU backend",
      output: "ggml_cuda_init: found 1 CUDA devices:\nversion: 5432 (abc123f)\nbuilt with cc",
      want: { text: "5432 (abc123f)", build: 5432, commit: "abc123f" },
    },
    {
      name: "a release tag in the place of the number",
      output: "version: b5432 (abc123f)\n",
      want: { text: "b5432 (abc123f)", build: 5432, commit: "abc123f" },
    },
    {
      name: "a build outside git, which knows no number",
      output: "version: 0 (unknown)\n",
      want: { text: "0 (unknown)", build: undefined, commit: undefined },
    },
    {
      name: "a form of the future as text without a build",
      output: "version: two\n",
      want: { text: "two", build: undefined, commit: undefined },
    },
    { name: "nothing in a foreign program's output", output: "nginx version: nginx/1.22\n", want: undefined },
    { name: "nothing in an empty version line", output: "version: \nbuilt with", want: undefined },
  ]
) {
  Deno.test(`parseLlamaVersion() reads ${name}`, () => deepEqual(parseLlamaVersion(output), want));
}

Deno.test("parseRpcBanner() finds the protocol version among backend lines", () => {
  const banner =
    "load_backend: loaded CPU backend from x.so\nStarting RPC server v8.0.1\n  endpoint : 127.0.0.1:1\n";
  deepEqual(parseRpcBanner(banner), { major: 8, minor: 0, patch: 1 });
  equal(parseRpcBanner("Failed to create server socket\n"), undefined);
});

const reading = (text: string): VersionReading => {
  const version = parseLlamaVersion(`version: ${text}`);
  return version ? { ok: true, version } : { ok: false, because: "no version" };
};

for (
  const { name, ours, theirs, want } of [
    { name: "equal texts are the same", ours: "5432 (abc)", theirs: "5432 (abc)", want: "same" },
    { name: "equal texts without a number are the same", ours: "0 (abc)", theirs: "0 (abc)", want: "same" },
    {
      name: "two forms of one build are the same",
      ours: "0.7.0 (build 11669, commit x)",
      theirs: "b11669 (x)",
      want: "same",
    },
    { name: "other builds are different", ours: "5432 (abc)", theirs: "5433 (abd)", want: "different" },
    {
      name: "a build that tells no number is unknown",
      ours: "5432 (abc)",
      theirs: "0 (unknown)",
      want: "unknown",
    },
    {
      name: "two builds of unknown origin are not the same",
      ours: "0 (unknown)",
      theirs: "0 (unknown)",
      want: "unknown",
    },
    { name: "a failed reading is unknown", ours: "5432 (abc)", theirs: "", want: "unknown" },
  ] as const
) {
  Deno.test(`compareVersions(): ${name}`, () => {
    const { verdict, because } = compareVersions(reading(ours), reading(theirs));
    equal(verdict, want, because);
  });
}

Deno.test("compareVersions() names both builds and the cure when they differ", () => {
  match(
    compareVersions(reading("5432 (abc)"), reading("5433 (abd)")).because,
    /5432 \(abc\).*5433 \(abd\).*sollol setup/,
  );
});
