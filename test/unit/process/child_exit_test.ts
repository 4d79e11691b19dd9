import { equal, match } from "node:assert/strict";
import { describeExit } from "../../../lib/process/child_exit.ts";

for (
  const { code, signal, want } of [
    { code: 0, signal: null, want: "exited normally (code 0)" },
    { code: 1, signal: null, want: "exited with code 1" },
    { code: 126, signal: null, want: "could not be executed (code 126): it is no program for this system" },
    {
      code: 137,
      signal: "SIGKILL",
      want: "was killed (SIGKILL, code 137): by hand, or by the kernel because memory ran out",
    },
    { code: 140, signal: "SIGUSR2", want: "was ended by SIGUSR2 (code 140)" },
    { code: 255, signal: null, want: "exited with code 255" },
  ] as const
) {
  Deno.test(`describeExit() says of code ${code} and signal ${signal}: ${want}`, () => {
    equal(describeExit({ code, signal }).sentence, want);
  });
}

Deno.test("describeExit() takes 134 and 139 from a shell wrapper for the signals that they stand for", () => {
  for (const [code, signal] of [[134, "SIGABRT"], [139, "SIGSEGV"]] as const) {
    const told = describeExit({ code, signal: null });
    equal(told.signal, signal);
    equal(told.sentence, describeExit({ code, signal }).sentence);
    match(told.sentence, new RegExp(`${signal}, code ${code}`));
  }
});
