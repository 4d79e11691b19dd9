import { deepEqual, equal } from "node:assert/strict";
import { Hono } from "hono";
import type { GatewayRequest } from "../../../lib/gateway.ts";
import { OPENAI_REQUESTS } from "../../../lib/openai_requests.ts";
import type { Answer } from "../../../lib/router/answer.ts";
import type { AppEnv } from "../../../routes/app_env.ts";
import { InferRoute } from "../../../routes/infer.ts";
import { identifyClient } from "../../../routes/middleware/authenticate.ts";
import { identify } from "../../../routes/middleware/identify.ts";
import { clientAccess } from "../../fixtures/client_access.ts";

const BODY = JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }] });
const ANSWER = {
  status: 200,
  headers: [],
  body: new Uint8Array(),
  report: { because: "it is the only one" },
};

/** What the gateway is asked by a client with this key and this priority. */
async function asked(key: Record<string, unknown>, priority?: string): Promise<GatewayRequest> {
  using access = clientAccess({ "auth.keys": [{ name: "chat", key: "k", ...key }] });
  const requests: GatewayRequest[] = [];
  const infer = (request: GatewayRequest) => {
    requests.push(request);
    return Promise.resolve(ANSWER as unknown as Answer);
  };
  const route = new InferRoute({ infer }, { maxBodyBytes: () => 1_000, limits: access.limits });
  const app = new Hono<AppEnv>().use(identify()).use(identifyClient(access));
  app.post("/", (c) => route.answer(c, OPENAI_REQUESTS["/v1/chat/completions"]));
  const headers = { "x-api-key": "k", ...(priority !== undefined && { "x-sollol-priority": priority }) };
  equal((await app.request("/", { method: "POST", headers, body: BODY })).status, 200);
  return requests[0]!;
}

for (
  const { most, priority, want } of [
    { most: {}, priority: undefined, want: undefined },
    { most: {}, priority: "9", want: 9 },
    { most: { max_priority: 3 }, priority: "9", want: 3 },
    { most: { max_priority: 3 }, priority: "1", want: 1 },
    { most: { max_priority: 3 }, priority: undefined, want: 3 },
  ]
) {
  Deno.test(`a request for priority ${priority} by a key for ${JSON.stringify(most)} gets ${want}`, async () => {
    equal((await asked(most, priority)).priority, want);
  });
}

Deno.test("the gateway is told which key asks, and for which models that is", async () => {
  const { keyName, access } = await asked({ models: ["m", "tiny*"] });
  deepEqual([keyName, access?.keyName, access?.patterns], ["chat", "chat", ["m", "tiny*"]]);
  equal((await asked({})).access, undefined);
});
