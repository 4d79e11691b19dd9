import { deepEqual, equal, match, ok } from "node:assert/strict";
import { FakeOllamaNode } from "../fakes/fake_ollama_node.ts";
import { chat, ChatStream, dataOf, postChat } from "./chat.ts";
import { eventually } from "./eventually.ts";
import { testSentences } from "./node_case.ts";
import { addNode } from "./node_moods.ts";

const NAMES_OF_ONE: ReadonlySet<string> = new Set(["gpt-nickname", "meant:1b"]);

const CONFIG = {
  timeouts: { stall: "2s", connect: "1s" },
  nodes: { check_every: "500ms" },
  aliases: { "gpt-nickname": "meant:1b" },
};

testSentences("requests find their nodes, and are told which", CONFIG, [
  ["an answer says in its headers where it came from, and why", async (bed) => {
    await bed.hold("told", ["told:1b"]);
    const { status, headers } = await chat(bed.url, { model: "told:1b" });
    equal(status, 200);
    equal(headers.get("x-sollol-upstream"), "told");
    match(headers.get("x-sollol-decision")!, /^"told:1b" .*told/);
    equal(headers.get("x-sollol-attempts"), "1");
    equal(headers.get("x-sollol-queue-ms"), "0");
    match(headers.get("x-sollol-duration-ms")!, /^\d+$/);
    match(headers.get("x-sollol-request-id")!, /^\S+$/);
    const { decisions } = await bed.gateway.getJson("/api/admin/decisions?model=told:1b");
    equal(decisions.length, 1);
    match(JSON.stringify(decisions[0]), /"told"/);
  }],

  ["a client that asks for it is told in the body, too, whole or in a stream before [DONE]", async (bed) => {
    await bed.hold("noted", ["noted:1b"]);
    const options = { model: "noted:1b", maxTokens: 4, headers: { "x-sollol-routing": "true" } };
    const { _routing: note, choices } = await (await postChat(bed.url, options, false)).json();
    equal(choices[0].message.content, "word0 word1 word2 word3");
    deepEqual([note.backend, note.node, note.attempts], ["ollama-pool", "noted", 1]);
    match(note.because, /noted/);
    ok(note.duration_ms >= 0);
    const events = await Array.fromAsync(dataOf((await postChat(bed.url, options, true)).body!));
    equal(events.at(-1), "[DONE]");
    const { _routing: streamed, choices: none } = JSON.parse(events.at(-2)!);
    deepEqual([none, streamed.backend, streamed.node], [[], "ollama-pool", "noted"]);
    const unasked = await (await postChat(bed.url, { ...options, headers: {} }, false)).json();
    equal("_routing" in unasked, false);
  }],

  ["a name in other letters is the same model, and the node is asked in its own", async (bed) => {
    const node = await bed.hold("shouting", ["MixedCase:7B"]);
    const { status, tokenCount } = await chat(bed.url, { model: "mixedcase:7b", maxTokens: 3 });
    deepEqual([status, tokenCount, node.requests.at(-1)!.model], [200, 3, "MixedCase:7B"]);
  }],

  ["two nodes with one name and two digests are told apart in every explanation", async (bed) => {
    await bed.hold("old-copy", [{ name: "copied:1b", digest: "a".repeat(64) }]);
    await bed.hold("new-copy", [{ name: "copied:1b", digest: "b".repeat(64) }]);
    const { candidates } = await bed.gateway.getJson("/api/admin/route?model=copied:1b");
    const told = (name: string) => candidates.find((one: { name: string }) => one.name === name).because;
    match(told("old-copy"), /its digest is aaaaaaaaaaaa, others have another/);
    match(told("new-copy"), /its digest is bbbbbbbbbbbb, others have another/);
    const digests = await Promise.all(
      ["old-copy", "new-copy"].map(async (name) => (await bed.gateway.nodeView(name)).models[0]!.digest[0]),
    );
    deepEqual(digests, ["a", "b"]);
  }],

  ["the same node by two addresses counts once", async (bed) => {
    const node = await bed.hold("once", ["once:1b"]);
    const alias = `http://localhost:${node.port}`;
    await addNode(bed.gateway, { url: alias });
    const views = (await bed.gateway.nodeViews()).filter(({ url, aliases }) => {
      return [url, ...aliases].some((one) => one.endsWith(`:${node.port}`));
    });
    deepEqual(views.map(({ name }) => name), ["once"]);
  }],

  ["no node may be where a cloud keeps its secrets", async (bed) => {
    const response = await fetch(`${bed.url}/api/admin/nodes`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ url: "http://169.254.169.254" }),
    });
    equal(response.status, 400);
    match((await response.json()).error.message, /169\.254\.169\.254/);
  }],

  ["a node that is removed while it streams finishes its stream, and gets nothing new", async (bed) => {
    await bed.hold("leaving", ["leaving:1b"], { tokensPerSecond: 50 });
    const stream = await ChatStream.open(bed.url, { model: "leaving:1b", maxTokens: 16 });
    await stream.read(2);
    const removed = await fetch(`${bed.url}/api/admin/nodes/leaving`, { method: "DELETE" });
    equal(removed.status, 200, await removed.text());
    equal((await bed.gateway.nodeViews()).some(({ name }) => name === "leaving"), false);
    const { status, error } = await chat(bed.url, { model: "leaving:1b" });
    deepEqual([status, error!.code], [404, "model_not_found"]);
    const end = await stream.rest();
    deepEqual([end.isDone, end.error], [true, undefined]);
    ok(end.tokenCount >= 12, `${end.tokenCount} more tokens`);
  }],

  ["a client that leaves frees its slot, and it is not held against the node", async (bed) => {
    const node = await bed.hold("left", ["left:1b"], { tokensPerSecond: 20, entry: { slots: 1 } });
    const client = new AbortController();
    const stream = await ChatStream.open(bed.url, { model: "left:1b", maxTokens: 16, signal: client.signal });
    await stream.read(2);
    client.abort();
    await stream.rest().catch(() => {});
    await eventually("its work is stopped", () => node.abortedCount === 1);
    await eventually(
      "its slot is free",
      async () => (await bed.gateway.nodeView("left")).inFlightCount === 0,
    );
    equal((await bed.gateway.nodeView("left")).failedCount, 0);
  }],

  ["a redirect is never followed to another host", async (bed) => {
    await using elsewhere = await FakeOllamaNode.start({ models: [{ name: "redirected:1b" }] });
    const node = await bed.hold("redirecting", ["redirected:1b"]);
    node.behave("redirect", { location: `${elsewhere.url}/v1/chat/completions` });
    const { status, error } = await chat(bed.url, { model: "redirected:1b" });
    equal(status, 502);
    match(error!.message, /redirect, which is not followed/);
    await eventually("it is down", async () => (await bed.gateway.nodeView("redirecting")).health === "down");
    equal(elsewhere.connectionCount, 0);
  }],

  [
    "x-sollol-route sends a request to a node by name, URL or tag; what cannot be met is refused",
    async (bed) => {
      const models = ["wished:1b"];
      const byName = await bed.hold("wish-a", models);
      await bed.hold("wish-b", models, { entry: { tags: ["attic"] } });
      const wishing = async (wish: string) => {
        const { status, headers, error } = await chat(bed.url, {
          model: "wished:1b",
          headers: { "x-sollol-route": wish },
        });
        return { status, upstream: headers.get("x-sollol-upstream"), message: error?.message ?? "" };
      };
      for (
        const [wish, want] of [["wish-a", "wish-a"], ["attic", "wish-b"], [byName.url, "wish-a"]] as const
      ) {
        for (let again = 0; again < 2; again++) equal((await wishing(wish)).upstream, want, `wish ${wish}`);
      }
      equal((await wishing("node")).status, 200);
      const sharded = await wishing("sharded");
      ok(sharded.status >= 400, `sharded: ${sharded.status}`);
      match(sharded.message, /leave x-sollol-route out/);
      const unknown = await wishing("cellar");
      equal(unknown.status, 400);
      match(unknown.message, /cellar.*; there are .*leave x-sollol-route out/);
    },
  ],

  ["an alias is its model, and is listed beside it", async (bed) => {
    const node = await bed.hold("meant", ["meant:1b"]);
    const { status, headers } = await chat(bed.url, { model: "gpt-nickname" });
    deepEqual([status, node.requests.at(-1)!.model], [200, "meant:1b"]);
    equal(headers.get("x-sollol-model"), "meant:1b");
    match(headers.get("x-sollol-decision")!, /"gpt-nickname" is "meant:1b"/);
    await eventually("both are listed", async () => {
      const { data } = await bed.gateway.getJson("/v1/models");
      const cards: { id: string; sollol: { available: boolean; goes_to?: string } }[] = data;
      const listed = cards.filter(({ id, sollol }) => NAMES_OF_ONE.has(id) && sollol.available);
      return listed.length === 2 && listed.every(({ sollol }) => sollol.goes_to === "meant");
    });
  }],

  ["a node serves what it is allowed to, and nothing else", async (bed) => {
    await bed.hold("strict", ["allowed:1b", "secret:1b"], { entry: { models: ["allowed*"] } });
    equal((await chat(bed.url, { model: "allowed:1b" })).status, 200);
    const { status, error } = await chat(bed.url, { model: "secret:1b" });
    ok(status >= 400, `${status}`);
    match(error!.message, /strict may not serve it/);
  }],

  ["old-style completions go to nodes, too", async (bed) => {
    await bed.hold("completing", ["completing:1b"]);
    const response = await fetch(`${bed.url}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "completing:1b", prompt: "Once upon", max_tokens: 2 }),
    });
    const { choices } = await response.json();
    deepEqual([response.status, choices[0].text], [200, "word0 word1"]);
  }],
]);
