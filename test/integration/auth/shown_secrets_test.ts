import { equal, match, ok } from "node:assert/strict";
import { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import { nodeAt } from "../../fixtures/routing_bed.ts";
import { CHAT } from "../../fixtures/key_matrix.ts";
import { open } from "./key_bed.ts";

for (const path of ["/v1/chat/completions", "/v1/messages", "/api/chat"]) {
  const secrets = {
    authorization: "Bearer chat-key",
    "x-api-key": "chat-key",
    cookie: "session=chat-key",
    "proxy-authorization": "Basic chat-key",
  };
  // The fake coordinator speaks no more than OpenAI's chat.
  if (path !== "/v1/messages") {
    Deno.test(`what a client shows at ${path} never reaches a llama-server`, async () => {
      await using bed = await open();
      const init = { method: "POST", headers: secrets, body: JSON.stringify(CHAT("fake")) };
      const response = await fetch(bed.url + path, init);
      equal(response.status, 200, await response.text());
      const { headers } = bed.upstream.seen.at(-1)!;
      match(headers, /authorization: Bearer own-secret/i, "its own key is shown");
      ok(!/chat-key|cookie|x-api-key|proxy-auth/i.test(headers), headers);
    });
  }

  Deno.test(`what a client shows at ${path} never reaches a node`, async () => {
    await using node = await FakeOllamaNode.start({ models: [{ name: "llama3:8b" }] });
    await using bed = await open({ nodes: [nodeAt(node.url)] });
    const init = { method: "POST", headers: secrets, body: JSON.stringify(CHAT("llama3:8b")) };
    const response = await fetch(bed.url + path, init);
    equal(response.status, 200, await response.text());
    for (const { headers } of node.requests) {
      ok(!/chat-key|cookie|x-api-key|authorization/i.test(JSON.stringify(headers)), JSON.stringify(headers));
    }
    ok(node.requests.some(({ method }) => method === "POST"));
  });
}
