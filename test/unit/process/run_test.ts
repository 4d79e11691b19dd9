import { equal } from "node:assert/strict";
import { describeExit } from "../../../lib/process/child_exit.ts";
import { describeFailure } from "../../../lib/process/run.ts";

const CLEAN = { timedOut: false, stdout: "", stderr: "" };

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
      want: "crashed (SIGILL, code 132): it was built for another processor",
    },
    {
      name: "another signal",
      result: { code: 139, signal: "SIGSEGV" },
      want: "crashed (SIGSEGV, code 139): it touched memory that is not its own",
    },
    { name: "a silent failure", result: { code: 3 }, want: "exited with code 3 and said nothing" },
    {
      name: "the last line only, without what a terminal would act on",
      result: { code: 3, stderr: "first\n\u001b[31mE: broken\u0007\n" },
      want: "exited with code 3: ?[31mE: broken?",
    },
  ] as const
) {
  Deno.test(`describeFailure() tells ${name}`, () => {
    const exit = describeExit({ signal: null, ...result });
    equal(describeFailure({ ...CLEAN, ...result, ...exit }, 10_000), want);
  });
}
