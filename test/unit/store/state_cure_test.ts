import { match } from "node:assert/strict";
import { cureFor } from "../../../lib/store/state_cure.ts";

const PATH = "/nowhere/state/sollol.db";

for (
  const { name, error, want } of [
    {
      name: "on a full disk, as the system says it",
      error: Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" }),
      want: /^free the disk that \/nowhere\/state is on \(df -h \/nowhere\/state\), then restart$/,
    },
    {
      name: "on a full disk, as SQLite says it",
      error: new Error("database or disk is full"),
      want: /^free the disk/,
    },
    {
      name: "on a disk that is read-only",
      error: Object.assign(new Error("Read-only file system (os error 30)"), { code: "EROFS" }),
      want: /^\/nowhere\/state is read-only: .*StateDirectory= or ReadWritePaths= .*restart$/,
    },
    {
      name: "for any other reason",
      error: new Error("something else"),
      want: /name (a|another) state_dir.*; then restart$/,
    },
  ]
) {
  Deno.test(`the cure for a state that cannot be kept ${name} names what to do`, () => {
    match(cureFor(error, PATH), want);
  });
}
