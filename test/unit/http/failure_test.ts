import { deepEqual, equal, match } from "node:assert/strict";
import { HttpError, HttpLimitError, type HttpPhase, HttpSyntaxError } from "../../../lib/http/error.ts";
import { toHttpError } from "../../../lib/http/failure.ts";

const system = (code: string, message = `${code} (os error)`): Error =>
  Object.assign(new Error(message), { code });

for (
  const { thrown, phase = "head", want } of [
    { thrown: system("ECONNREFUSED"), phase: "connect", want: ["connect", "refused"] },
    { thrown: system("ENOENT"), phase: "connect", want: ["connect", "refused"] },
    { thrown: system("EHOSTUNREACH"), phase: "connect", want: ["connect", "unreachable"] },
    { thrown: system("ENETUNREACH"), phase: "connect", want: ["connect", "unreachable"] },
    { thrown: system("ETIMEDOUT"), phase: "connect", want: ["connect", "timeout"] },
    { thrown: system("EMFILE"), phase: "connect", want: ["connect", "busy"] },
    { thrown: system("EADDRNOTAVAIL"), phase: "connect", want: ["connect", "busy"] },
    { thrown: system("EAGAIN"), phase: "connect", want: ["connect", "busy"] },
    {
      thrown: new Error("failed to lookup address information: Name or service not known"),
      phase: "connect",
      want: ["resolve", "unreachable"],
    },
    {
      thrown: new Deno.errors.InvalidData("invalid peer certificate"),
      phase: "connect",
      want: ["connect", "tls"],
    },
    { thrown: system("ECONNRESET"), want: ["head", "reset"] },
    { thrown: system("EPIPE"), phase: "send", want: ["send", "closed"] },
    { thrown: system("ETIMEDOUT"), phase: "body", want: ["body", "timeout"] },
    { thrown: new Deno.errors.UnexpectedEof("no close_notify"), phase: "body", want: ["body", "closed"] },
    { thrown: new HttpSyntaxError("it has two lengths"), want: ["head", "malformed"] },
    { thrown: new HttpLimitError("it is too long"), phase: "body", want: ["body", "too_large"] },
  ] as { thrown: Error; phase?: HttpPhase; want: [string, string] }[]
) {
  Deno.test(`toHttpError() takes "${thrown.message}" while in ${phase} for ${want.join(", ")}`, () => {
    const error = toHttpError("http://node1:80", thrown, { phase, sent: true, answered: false });
    deepEqual([error.phase, error.kind, error.sent, error.answered], [...want, true, false]);
    equal(error.cause, thrown);
    match(error.message, new RegExp(`http://node1:80: ${RegExp.escape(thrown.message)}`));
  });
}

Deno.test("toHttpError() leaves an HttpError as it is", () => {
  const error = new HttpError("done", { phase: "head", kind: "timeout", sent: true, answered: true });
  equal(toHttpError("http://node1:80", error, { phase: "body", sent: false, answered: false }), error);
});
