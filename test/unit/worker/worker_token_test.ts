import { deepEqual, equal, rejects } from "node:assert/strict";
import { readWorkerToken, withoutToken } from "../../../lib/worker/worker_token.ts";

const NONE = { token: undefined, tokenFile: undefined, env: {} };

Deno.test("readWorkerToken() takes the flag before the variable, and none if there is none", async () => {
  equal(await readWorkerToken({ ...NONE, token: "a", env: { SOLLOL_WORKER_TOKEN: "b" } }), "a");
  equal(await readWorkerToken({ ...NONE, env: { SOLLOL_WORKER_TOKEN: " b\n" } }), "b");
  equal(await readWorkerToken({ ...NONE, env: { SOLLOL_WORKER_TOKEN: " " } }), undefined);
  equal(await readWorkerToken(NONE), undefined);
});

Deno.test("readWorkerToken() refuses what cannot be sent, without repeating it", async () => {
  for (const token of ["", "two words", "line\nbreak", "schlüssel"]) {
    await rejects(readWorkerToken({ ...NONE, token }), (error: Error) => {
      return /Cannot use the token of --token/.test(error.message) &&
        (token === "" || !error.message.includes(token));
    });
  }
});

Deno.test("withoutToken() gives a child everything but the token", () => {
  deepEqual(withoutToken({ PATH: "/bin", SOLLOL_WORKER_TOKEN: "secret", UNSET: undefined }), {
    PATH: "/bin",
  });
});
