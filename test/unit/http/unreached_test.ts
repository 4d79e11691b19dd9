import { equal } from "node:assert/strict";
import { causeOf } from "../../../lib/http/unreached.ts";

for (
  const { name, kind, answered, want } of [
    { name: "a refused connection", kind: "refused", answered: false, want: "unreachable" },
    { name: "a reset before an answer", kind: "reset", answered: false, want: "unreachable" },
    { name: "no connection in time", kind: "timeout", answered: false, want: "silent" },
    { name: "an answer that broke off", kind: "reset", answered: true, want: "unfit" },
    { name: "bytes that are no HTTP", kind: "malformed", answered: false, want: "unfit" },
    { name: "a wrong certificate", kind: "tls", answered: false, want: "unfit" },
    { name: "our own want of sockets", kind: "busy", answered: false, want: "unfit" },
  ] as const
) {
  Deno.test(`${name} is told of as ${want}`, () => equal(causeOf({ kind, answered }), want));
}
