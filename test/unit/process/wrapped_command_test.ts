import { deepEqual, throws } from "node:assert/strict";
import { wrapCommand } from "../../../lib/process/wrapped_command.ts";

const command = ["/usr/bin/tool", "--name", "two words"];

Deno.test("wrapCommand() leaves a command alone without options", () => {
  deepEqual(wrapCommand(command, {}), command);
});

Deno.test("wrapCommand() hands arguments through the shell without quoting them", () => {
  deepEqual(wrapCommand(command, { ignoreSigpipe: true }), [
    "/bin/sh",
    "-c",
    `trap '' PIPE; exec "$@"`,
    "sh",
    ...command,
  ]);
});

Deno.test("wrapCommand() asks the kernel outermost, where the pid is known to stay", () => {
  deepEqual(wrapCommand(command, { ignoreSigpipe: true, setpriv: "/usr/bin/setpriv" }).slice(0, 6), [
    ...["/usr/bin/setpriv", "--pdeathsig", "SIGKILL", "--", "/bin/sh", "-c"],
  ]);
});

Deno.test("wrapCommand() refuses an empty command", () => {
  throws(() => wrapCommand([], {}), TypeError);
});
