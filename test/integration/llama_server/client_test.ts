import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { HttpClient } from "../../../lib/http/client.ts";
import { LlamaServerClient } from "../../../lib/llama_server/client.ts";
import { freePort } from "../../fixtures/free_port.ts";

async function withServer(
  answer: (request: Request) => Response | Promise<Response>,
  test: (client: LlamaServerClient) => Promise<void>,
): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  using http = new HttpClient();
  const address = { transport: "tcp", hostname: "127.0.0.1", port: server.addr.port } as const;
  await test(new LlamaServerClient(http, address, "the-key"));
}

for (
  const { status, kind } of [
    { status: 200, kind: "ok" },
    { status: 503, kind: "loading" },
    { status: 404, kind: "unreachable" },
  ]
) {
  Deno.test(`health() takes the status ${status} for ${kind}`, () =>
    withServer(() => new Response("{}", { status }), async (client) => {
      equal((await client.health()).kind, kind);
    }));
}

Deno.test("health() of a port where nobody listens is a result, not an exception", async () => {
  using http = new HttpClient();
  const address = { transport: "tcp", hostname: "127.0.0.1", port: freePort() } as const;
  equal((await new LlamaServerClient(http, address, "").health()).kind, "unreachable");
});

Deno.test("health() gives up on a server that takes the connection and says nothing", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using http = new HttpClient();
  const address = { transport: "tcp", hostname: "127.0.0.1", port: listener.addr.port } as const;
  equal((await new LlamaServerClient(http, address, "").health({ timeoutMs: 50 })).kind, "unreachable");
});

Deno.test("health() rejects with the reason of its signal", () =>
  withServer(() => new Response(), async (client) => {
    const reason = new Error("no longer wanted");
    await rejects(client.health({ signal: AbortSignal.abort(reason) }), (error) => error === reason);
  }));

Deno.test("props() reads what llama-server b11669 says, and shows the key", () =>
  withServer((request) => {
    equal(request.headers.get("authorization"), "Bearer the-key");
    return Response.json({
      default_generation_settings: { params: {}, n_ctx: 2048 },
      total_slots: 2,
      model_alias: "tiny",
      model_path: "/m/tiny.gguf",
      modalities: { vision: true, video: false, audio: false },
      build_info: "b11669-Debian",
      is_sleeping: false,
    });
  }, async (client) => {
    deepEqual(await client.props(), {
      modelPath: "/m/tiny.gguf",
      slotCount: 2,
      slotContextSize: 2048,
      buildInfo: "b11669-Debian",
      isSleeping: false,
      modalities: { vision: true, audio: false },
    });
  }));

Deno.test("slots() reads the progress of each slot", () =>
  withServer(() =>
    Response.json([
      {
        id: 0,
        n_ctx: 8192,
        is_processing: true,
        id_task: 7,
        n_prompt_tokens: 45,
        n_prompt_tokens_processed: 31,
        n_prompt_tokens_cache: 8,
        next_token: [{ n_decoded: 49 }],
      },
      { id: 1, n_ctx: 8192, is_processing: false },
    ]), async (client) => {
    deepEqual(await client.slots(), [
      {
        id: 0,
        isProcessing: true,
        taskId: 7,
        promptTokens: 45,
        promptTokensCached: 8,
        promptTokensProcessed: 31,
        tokensDecoded: 49,
      },
      {
        id: 1,
        isProcessing: false,
        taskId: undefined,
        promptTokens: undefined,
        promptTokensCached: 0,
        promptTokensProcessed: 0,
        tokensDecoded: 0,
      },
    ]);
  }));

for (
  const { name, answer, says } of [
    {
      name: "a refusal",
      answer: () => new Response("Invalid API Key", { status: 401 }),
      says: /401: Invalid API Key/,
    },
    { name: "no JSON", answer: () => new Response("<html>"), says: /JSON/ },
    { name: "other JSON", answer: () => Response.json({ total_slots: "two" }), says: /total_slots/ },
  ]
) {
  Deno.test(`props() of a server that answers ${name} is upstream_failed`, () =>
    withServer(answer, async (client) => {
      await rejects(client.props(), (error) => {
        ok(error instanceof GatewayError && error.code === "upstream_failed");
        match(error.message, /^Cannot read \/props of llama-server: /);
        match(error.message, says);
        return true;
      });
    }));
}
