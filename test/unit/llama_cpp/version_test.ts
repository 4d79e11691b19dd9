import { deepEqual } from "node:assert/strict";
import { parseLlamaVersion, parseRpcBanner } from "../../../lib/llama_cpp/version.ts";

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

for (
  const { name, line, want } of [
    {
      name: "the protocol in a banner",
      line: "Starting RPC server v8.0.1",
      want: { major: 8, minor: 0, patch: 1 },
    },
    { name: "nothing in a line before it", line: "load_backend: loaded RPC backend", want: undefined },
    { name: "nothing in an endless number", line: "Starting RPC server v8.0.99999", want: undefined },
  ]
) {
  Deno.test(`parseRpcBanner() reads ${name}`, () => deepEqual(parseRpcBanner(line), want));
}
