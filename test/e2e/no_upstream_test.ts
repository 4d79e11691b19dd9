import { deepEqual, equal, match, ok } from "node:assert/strict";
import { chat } from "./chat.ts";
import { NodeBed } from "./node_bed.ts";
import { postEmbeddings } from "./node_clients.ts";
import { seeChat } from "./node_moods.ts";

Deno.test("with no node and no backend it starts, is healthy, and tells each request what is missing", async (test) => {
  await using bed = await NodeBed.create();
  await using gateway = await bed.serve({ ollama_nodes: [] });

  await test.step("its log says at the start what is missing", async () => {
    const { level, warning } = await gateway.program.untilLogged("config doubtful");
    equal(level, "warn");
    match(warning as string, /neither an Ollama node nor an rpc backend.*ollama_nodes.*sollol worker/);
  });

  await test.step("GET /health answers and knows nobody", async () => {
    const response = await fetch(`${gateway.url}/health`);
    const { mode, nodes, rpcBackends, coordinators } = await response.json();
    deepEqual([response.status, mode, nodes, rpcBackends, coordinators], [200, "hybrid", [], [], []]);
  });

  await test.step("no model is listed", async () => {
    deepEqual((await gateway.getJson("/v1/models")).data, []);
    deepEqual((await gateway.getJson("/api/tags")).models, []);
  });

  await test.step("a request is refused in a sentence with what to do, whole or as a stream", async () => {
    for (const stream of [false, true]) {
      const { status, error } = await seeChat(gateway.url, "llama3:8b", stream);
      equal(status, 404, error?.message);
      equal(error!.code, "model_not_found");
      match(error!.message, /^Cannot \w+ (model )?"llama3:8b".*; \S/);
    }
    const { error } = await (await postEmbeddings(gateway.url, "one text")).json();
    match(error.message, /"llama3:8b"/);
  });

  await test.step("an explanation says what is missing", async () => {
    const { to, code, because } = await gateway.getJson("/api/admin/route?model=llama3:8b");
    equal(to, "nowhere");
    ok(code !== undefined);
    match(because, /no Ollama node is known.*name an Ollama node in ollama_nodes$/);
  });

  await test.step("a request without a model is the client's mistake", async () => {
    const { status, error } = await chat(gateway.url, { fields: { model: undefined } });
    deepEqual([status, error!.code], [400, "invalid_request"]);
  });

  await gateway.stop();
});

Deno.test("with everything switched off it starts and says which switch to set", async () => {
  await using bed = await NodeBed.create();
  await using gateway = await bed.serve({
    ollama_nodes: [],
    model_sharding_enabled: false,
    task_distribution_enabled: false,
  });
  equal((await (await fetch(`${gateway.url}/health`)).json()).mode, "single");
  const { status, error } = await chat(gateway.url, { model: "llama3:8b" });
  ok(status >= 400 && status < 600, `${status}`);
  match(error!.message, /^Cannot (serve|find).*"llama3:8b"/);
  await gateway.stop();
});
