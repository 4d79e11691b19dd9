import { equal } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { withoutPaths } from "../../../lib/router/without_paths.ts";

for (
  const [message, want] of [
    [
      `Cannot load "m": blob "/var/lib/ollama/blobs/sha256-ab" has 5 bytes; pull it again`,
      `Cannot load "m": blob "sha256-ab" has 5 bytes; pull it again`,
    ],
    [`failed to open '/home/a b/m.gguf'`, `failed to open 'm.gguf'`],
    [`"/a/b" and "/c/d/e"`, `"b" and "e"`],
    [`"hf.co/user/repo:tag" is no model`, `"hf.co/user/repo:tag" is no model`],
    [`POST /api/admin/models/load, or "http://x/y/z"`, `POST /api/admin/models/load, or "http://x/y/z"`],
    [`it says "/think" and '/x'`, `it says "/think" and '/x'`],
  ] as const
) {
  Deno.test(`withoutPaths() makes ${message} be ${want}`, () => {
    const error = new GatewayError("model_unusable", message, { field: "model", retryAfterSeconds: 3 });
    const told = withoutPaths(error) as GatewayError;
    equal(told.message, want);
    equal(told.code, "model_unusable");
    equal(told.field, "model");
    equal(told.retryAfterSeconds, 3);
    equal(
      told === error ? undefined : told.cause,
      message === want ? undefined : error,
      "the log has the whole",
    );
  });
}

Deno.test("withoutPaths() passes what is no error of ours", () => {
  const bug = new TypeError(`"/a/b/c"`);
  equal(withoutPaths(bug), bug);
});
