import { deepEqual, equal, match } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { Secrets } from "../../../lib/config/secrets.ts";
import { formatAddress } from "../../../lib/http/address.ts";
import { HttpClient } from "../../../lib/http/client.ts";
import { silentLogger } from "../../../lib/log.ts";
import { NodeRegistry } from "../../../lib/nodes/node_registry.ts";
import type { NodeSettings } from "../../../lib/nodes/node_settings.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import { ok as answer, type Peer, type Script, ScriptedServer } from "../../fakes/scripted_server.ts";
import { until } from "../../fixtures/until.ts";

const { key } = toWanted("big");
const VERSION = `{"version":"0.33.0"}`;
const TAGS = `{"models":[{"name":"big:latest","digest":"${"a".repeat(64)}","size":1000}]}`;
const PS =
  `{"models":[{"name":"big:latest","size":1200,"size_vram":800,"expires_at":"2318-01-01T00:00:00Z"}]}`;

/** What is sent for a path: bytes, or whatever a script does after the request has come. */
type Reply = string | ((peer: Peer) => Promise<void>);

/** An Ollama, but for the paths that are named. It keeps its connections. */
function ollama(odd: Record<string, Reply> = {}): Script {
  const replies: Record<string, Reply> = {
    "/api/version": answer(VERSION),
    "/api/tags": answer(TAGS),
    "/api/ps": answer(PS),
    ...odd,
  };
  return async (peer) => {
    for (;;) {
      const path = (await peer.receiveHead()).split(" ")[1]!;
      const reply = replies[path] ?? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
      if (typeof reply !== "string") return await reply(peer);
      await peer.send(reply);
    }
  };
}

function settings(url: string, more: Partial<NodeSettings> = {}): NodeSettings {
  return {
    name: "box",
    url,
    slotCount: 4,
    weight: 1,
    tags: [],
    allowedModels: [],
    memoryBytes: undefined,
    apiKey: undefined,
    wake: undefined,
    isLocal: true,
    sources: ["config"],
    aliases: [],
    ...more,
  };
}

/** Watches this one node, and is done with its first answer. */
async function watching(
  http: HttpClient,
  url: string,
  more: Partial<NodeSettings> = {},
): Promise<NodeRegistry> {
  const nodes = new NodeRegistry({
    http,
    logger: silentLogger,
    settings: () => ({ checkEveryMs: 200, stallMs: 30_000 }),
  });
  nodes.apply([settings(url, more)]);
  await nodes.start();
  return nodes;
}

function status(line: string, headers = ""): string {
  return `HTTP/1.1 ${line}\r\n${headers}Content-Length: 0\r\n\r\n`;
}

/** Sends the head, and the part again and again with pauses, until the client leaves. */
function dripping(head: string, part: string, pauseMs: number): Reply {
  return async (peer) => {
    await peer.send(head);
    for (;;) {
      await peer.send(part);
      await delay(pauseMs);
    }
  };
}

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const BIG_CHUNK = `10000\r\n${" ".repeat(0x10000)}\r\n`;
const silence: Reply = async (peer) => void await peer.untilGone();

const rows: { name: string; odd: Record<string, Reply>; reason: RegExp }[] = [
  {
    name: "answers HTML",
    odd: { "/api/version": answer("<!doctype html><title>It works!</title>") },
    reason: /GET \/api\/version with something else than Ollama's version/,
  },
  {
    name: "answers JSON that was cut off",
    odd: { "/api/tags": answer(TAGS.slice(0, -20)) },
    reason: /GET \/api\/tags with something else than a list of models/,
  },
  {
    name: "says a longer body than it sends",
    odd: {
      "/api/tags": (peer) => peer.send(`HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n${TAGS}`),
    },
    reason: /Cannot read the rest of the answer/,
  },
  {
    name: "says a shorter body than it sends",
    odd: { "/api/tags": `HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n${TAGS}` },
    reason: /GET \/api\/tags with something else than a list of models/,
  },
  {
    name: "says two lengths",
    odd: { "/api/version": `HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n${VERSION}` },
    reason: /Got no answer from/,
  },
  {
    name: "floods with its list",
    odd: { "/api/tags": dripping(CHUNKED, BIG_CHUNK, 0) },
    reason: /^its answer to GET \/api\/tags has more than 16\.0 MiB, which no Ollama sends$/,
  },
  {
    name: "floods with its version",
    odd: { "/api/version": dripping(CHUNKED, BIG_CHUNK, 0) },
    reason: /^its answer to GET \/api\/version has more than 1\.0\d? MiB/,
  },
  {
    name: "sends a chunk that is none",
    odd: { "/api/tags": `${CHUNKED}zz\r\n` },
    reason: /Cannot read the rest of the answer/,
  },
  {
    name: "sends a head of 1 MB",
    odd: { "/api/version": `HTTP/1.1 200 OK\r\nX-Long: ${"x".repeat(1_000_000)}\r\n\r\n` },
    reason: /Got no answer from/,
  },
  {
    name: "closes at once",
    odd: { "/api/version": (peer) => Promise.resolve(peer.close()) },
    reason: /Got no answer/,
  },
  {
    name: "is no HTTP server",
    odd: { "/api/version": "220 mail ready\r\n\r\n" },
    reason: /Got no answer from/,
  },
  {
    name: "asks for a key",
    odd: { "/api/version": status("401 Unauthorized") },
    reason: /^it asks for a key \(401\); set its api_key$/,
  },
  {
    name: "forbids, as Ollama does with a Host that it does not know",
    odd: { "/api/version": status("403 Forbidden") },
    reason: /^it asks for a key \(403\); set its api_key; if it has none, call it by its IP address$/,
  },
  {
    name: "is a sollol gateway",
    odd: { "/api/version": answer(VERSION).replace("\r\n", "\r\nX-Sollol-Request-Id: r-1\r\n") },
    reason: /^it is a sollol gateway, perhaps this one, and no Ollama; configure Ollama's own address$/,
  },
  {
    name: "is a llama-server",
    odd: { "/api/version": status("404 Not Found") },
    reason: /^it answered GET \/api\/version with 404; check that an Ollama is there/,
  },
  {
    name: "answers an error with 200",
    odd: { "/api/tags": answer(`{"error":"permission denied"}`) },
    reason: /^it answered GET \/api\/tags with the error "permission denied"; see its log$/,
  },
];

for (const { name, odd, reason } of rows) {
  Deno.test(`a node that ${name} is down, holds nothing, and its reason says why`, async () => {
    await using server = ScriptedServer.start(ollama(odd));
    using http = new HttpClient();
    await using nodes = await watching(http, formatAddress(server.address));
    const node = nodes.nodes[0]!;
    match(node.reason, reason);
    deepEqual([node.health, node.models.size, nodes.lease(node, key)], ["down", 0, undefined]);
  });
}

Deno.test("nodes that take all the time there is are down, and say so", async () => {
  const slow: Record<string, Reply>[] = [
    { "/api/version": silence },
    { "/api/tags": silence },
    { "/api/tags": dripping(CHUNKED, "1\r\n \r\n", 50) },
    { "/api/version": dripping("HTTP/1.1 200 OK\r\n", "X: y\r\n", 50) },
  ];
  await using stack = new AsyncDisposableStack();
  using http = new HttpClient();
  const reasons = await Promise.all(slow.map(async (odd) => {
    const server = stack.use(ScriptedServer.start(ollama(odd)));
    await using nodes = await watching(http, formatAddress(server.address));
    return nodes.nodes[0]!.reason;
  }));
  const reason = "it did not answer whole within 2.0 s; check whether it hangs, and the network";
  deepEqual(reasons, slow.map(() => reason));
});

Deno.test("a node that tells all but what it has in memory is up", async () => {
  await using server = ScriptedServer.start(ollama({ "/api/ps": silence }));
  using http = new HttpClient();
  await using nodes = await watching(http, formatAddress(server.address));
  const { health, resident, models } = nodes.nodes[0]!;
  deepEqual([health, resident.size, models.size], ["up", 0, 1]);
});

Deno.test("a redirect is not followed, and told", async () => {
  await using elsewhere = ScriptedServer.start(ollama());
  const where = formatAddress(elsewhere.address);
  const redirect = status("302 Found", `Location: ${where}/api/version\r\n`);
  await using server = ScriptedServer.start(ollama({ "/api/version": redirect }));
  using http = new HttpClient();
  await using nodes = await watching(http, formatAddress(server.address));
  const { health, reason } = nodes.nodes[0]!;
  equal(reason, `it redirects GET /api/version to ${where}/api/version; configure the URL that it leads to`);
  deepEqual([health, elsewhere.peers.length], ["down", 0]);
});

Deno.test("an Ollama that is well is up, with what it holds and what it has in memory", async () => {
  await using server = ScriptedServer.start(ollama());
  using http = new HttpClient();
  await using nodes = await watching(http, formatAddress(server.address));
  const [view] = nodes.views();
  deepEqual([view!.health, view!.version, view!.models.length], ["up", "0.33.0", 1]);
  deepEqual(view!.resident, [
    { key, name: "big:latest", sizeBytes: 1_200, vramBytes: 800, expiresAtMs: Infinity },
  ]);
  deepEqual(nodes.holdersOf(key).map(({ name }) => name), ["box"]);
});

Deno.test("a node gets the host, the path and the key that it is configured with", async () => {
  const heads: string[] = [];
  await using server = ScriptedServer.start(async (peer) => {
    heads.push(await peer.receiveHead());
    await peer.send(answer(VERSION));
  });
  using http = new HttpClient();
  const url = formatAddress(server.address);
  await using _nodes = await watching(http, `${url}/ollama`, { apiKey: new Secrets(["k-1"]) });
  match(heads[0]!, /^GET \/ollama\/api\/version HTTP\/1\.1\r\n/);
  match(heads[0]!, new RegExp(`^host: ${url.slice("http://".length)}\r$`, "im"));
  match(heads[0]!, /^authorization: Bearer k-1\r$/im);
});

Deno.test("a port where nobody listens is a node that is down, until somebody does", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = listener.addr as Deno.NetAddr;
  listener.close();
  using http = new HttpClient();
  await using nodes = await watching(http, `http://${hostname}:${port}`);
  const node = nodes.nodes[0]!;
  match(node.unsoundness!, /^down: Cannot connect to .*; check that it runs and listens there/);
  const bodies: Record<string, string> = { "/api/version": VERSION, "/api/tags": TAGS, "/api/ps": PS };
  await using _back = Deno.serve({ hostname, port, onListen: () => {} }, ({ url }) => {
    return new Response(bodies[new URL(url).pathname]);
  });
  await until(() => node.isSound, "it is used again", { withinMs: 5_000 });
});

Deno.test("a node that goes bad while it is up is taken away, and given back when it is well", async () => {
  let tags = answer(TAGS);
  await using server = ScriptedServer.start((peer) => ollama({ "/api/tags": tags })(peer));
  using http = new HttpClient();
  await using nodes = await watching(http, formatAddress(server.address));
  const node = nodes.nodes[0]!;
  equal(node.health, "up");
  tags = answer("<html>");
  await until(() => node.health === "down", "it is down", { withinMs: 5_000 });
  equal(nodes.holdersOf(key).length, 1); // what it held is not forgotten
  tags = answer(`{"models":[{"name":"new"}]}`);
  await until(() => node.health === "up", "it is up", { withinMs: 5_000 });
  deepEqual([nodes.holdersOf(key).length, nodes.holdersOf(toWanted("new").key).length], [0, 1]);
});

Deno.test("ten misbehaving nodes at once do not keep a good one from being asked", async () => {
  await using stack = new AsyncDisposableStack();
  const bad = rows.filter((row) => !row.name.startsWith("floods")).slice(0, 10).map(({ odd }) =>
    stack.use(ScriptedServer.start(ollama(odd)))
  );
  const good = stack.use(ScriptedServer.start(ollama()));
  using http = new HttpClient();
  await using nodes = new NodeRegistry({
    http,
    logger: silentLogger,
    settings: () => ({ checkEveryMs: 200, stallMs: 30_000 }),
  });
  nodes.apply(
    [...bad, good].map((server, index) => settings(formatAddress(server.address), { name: `n${index}` })),
  );
  await nodes.start();
  const before = good.peers.length;
  await until(() => good.peers.length >= before + 9, "three more checks", { withinMs: 10_000 });
  deepEqual(nodes.holdersOf(key).map(({ name }) => name), ["n10"]);
});
