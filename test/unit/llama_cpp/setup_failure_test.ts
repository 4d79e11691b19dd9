import { equal, match, ok } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { explainSetupFailure } from "../../../lib/llama_cpp/setup_failure.ts";

for (
  const { name, thrown, want } of [
    {
      name: "a full disk when we write",
      thrown: new Error("No space left on device (os error 28)"),
      want: /disk is full.*MiB/,
    },
    {
      name: "a full disk when apt writes",
      thrown: new GatewayError(
        "upstream_failed",
        `"apt-get update" exited with code 100: E: No space left on device`,
      ),
      want: /disk is full.*free some space/,
    },
    {
      name: "a full disk that apt saw coming",
      thrown: new GatewayError("upstream_failed", "E: You don't have enough free space in /p/."),
      want: /disk is full/,
    },
    {
      name: "a prefix that is not ours",
      thrown: Object.assign(new Error("Permission denied (os error 13): mkdir '/p'"), { code: "EACCES" }),
      want: /into "\/p": Permission denied.*--prefix/,
    },
    {
      name: "a read-only disk",
      thrown: Object.assign(new Error("Read-only file system (os error 30)"), { code: "EROFS" }),
      want: /Read-only file system.*--prefix/,
    },
  ]
) {
  Deno.test(`explainSetupFailure() explains ${name}`, () => {
    const explained = explainSetupFailure(thrown, "/p");
    ok(explained instanceof GatewayError);
    match(explained.message, want);
    equal(explained.cause, thrown);
  });
}

Deno.test("explainSetupFailure() hides neither a sentence that is complete nor a bug", () => {
  for (
    const thrown of [new GatewayError("conflict", "taken"), new TypeError("x is not a function"), "text"]
  ) {
    equal(explainSetupFailure(thrown, "/p"), thrown);
  }
});
