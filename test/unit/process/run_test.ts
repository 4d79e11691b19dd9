import { equal } from "node:assert/strict";
import { describeFailure, type RunResult } from "../../../lib/llama_cpp/run.ts";

const CLEAN: RunResult = { code: 0, signal: null, timedOut: false, stdout: "", stderr: "" };

for (
  const { name, result, want } of [
    {
      name: "a hang",
      result: { timedOut: true, code: 143, signal: "SIGTERM" },
      want: "did not end in 10.0 s",
    },
    {
      name: "a missing library, by the loader's own line",
      result: {
        code: 127,
        stderr: "x: error while loading shared libraries: libllama.so.0: cannot open\nmore",
      },
      want: "cannot load its libraries: x: error while loading shared libraries: libllama.so.0: cannot open",
    },
    {
      name: "a libc that is too old",
      result: { code: 1, stderr: "x: /lib/libc.so.6: version `GLIBC_2.43' not found (required by x)\n" },
      want: "cannot load its libraries: x: /lib/libc.so.6: version `GLIBC_2.43' not found (required by x)",
    },
    {
      name: "a processor that is too old",
      result: { code: 132, signal: "SIGILL" },
      want: "was ended by SIGILL: it was built for another processor",
    },
    { name: "another signal", result: { code: 139, signal: "SIGSEGV" }, want: "was ended by SIGSEGV" },
    { name: "a silent failure", result: { code: 3 }, want: "exited with code 3 and said nothing" },
    {
      name: "the last line only, without what a terminal would act on",
      result: { code: 3, stderr: "first\n\u001b[31mE: broken\u0007\n" },
      want: "exited with code 3: ?[31mE: broken?",
    },
  ]
) {
  Deno.test(`describeFailure() tells ${name}`, () => {
    equal(describeFailure({ ...CLEAN, ...result }, 10_000), want);
  });
}
