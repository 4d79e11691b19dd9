import { deepEqual, equal, match, ok } from "node:assert/strict";
import { GatewayBed } from "./gateway_bed.ts";
import { NodeRouteBed } from "./node_route_bed.ts";

const HERE = "http://localhost:3000";
const EVIL = "http://evil.example";

/** What a browser lets a page read. */
function allowedTo({ headers }: Response): (string | null)[] {
  return ["access-control-allow-origin", "access-control-expose-headers", "vary"].map((name) =>
    headers.get(name)
  );
}

/** An answer to a page, with its whole body. */
async function ask(url: string, origin: string | undefined, init: RequestInit = {}) {
  const headers = { ...(origin !== undefined && { origin }), ...init.headers as Record<string, string> };
  const response = await fetch(url, { ...init, headers, redirect: "manual" });
  return { response, status: response.status, text: await response.text() };
}

Deno.test("pages are let in by whose they are", async (t) => {
  await using bed = await GatewayBed.open({ config: 'origins: ["http://chat.home", "https://*.lab:*"]' });
  const { port } = new URL(bed.url);
  for (
    const { origin, status, isPage } of [
      { origin: undefined, status: 200, isPage: false },
      { origin: "", status: 200, isPage: false },
      { origin: bed.url, status: 200, isPage: true },
      ...[
        "http://localhost",
        "https://localhost:8443",
        "http://127.0.0.1:3000",
        "http://0.0.0.0:1",
        "http://[::1]:5173",
        "app://obsidian.md",
        "file://",
        "tauri://localhost",
        "vscode-webview://0a1b",
        "vscode-file://vscode-app",
        "http://chat.home",
        "https://gpu.lab:3000",
      ].map((origin) => ({ origin, status: 200, isPage: true })),
      ...[
        EVIL,
        "null",
        "x",
        "http://localhost.evil.example",
        `http://localhost:3000@evil.example`,
        `https://evil.example:${port}`,
        "http://127.0.0.2",
        "http://chat.home:81",
        "http://gpu.lab",
        "chrome-extension://abc",
      ].map((origin) => ({ origin, status: 403, isPage: false })),
    ]
  ) {
    await t.step(`${origin}: ${status}`, async () => {
      const answer = await ask(`${bed.url}/v1/models`, origin);
      equal(answer.status, status);
      deepEqual(allowedTo(answer.response), isPage ? [origin, "*", "Origin"] : [null, null, null]);
      if (status === 403) match(answer.text, /may not use this gateway; add it to origins/);
    });
  }
});

Deno.test("what changes something, and all else, is refused to pages of other sites, in the path's dialect", async () => {
  await using bed = await GatewayBed.open();
  const json = (body: unknown) => ({ method: "POST", body: JSON.stringify(body) });
  for (
    const [path, init, says] of [
      ["/api/generate", json({ model: "fake", keep_alive: 0 }), /^\{"error":"Pages of /],
      ["/api/pull", json({ model: "fake" }), /^\{"error":"Pages of /],
      ["/api/delete", { ...json({ model: "fake" }), method: "DELETE" }, /^\{"error":"Pages of /],
      ["/api/tags", {}, /^\{"error":"Pages of /],
      ["/v1/messages", json({}), /^\{"type":"error","error":\{"type":"permission_error"/],
      ["/v1/files", { method: "POST", body: new FormData() }, /"code":"forbidden"/],
      ["/v1/batches/x/cancel", { method: "POST" }, /"code":"forbidden"/],
      ["/v1/chat/completions", json({ model: "fake" }), /"code":"forbidden"/],
      ["/api/admin/models/unload", json({ model: "fake" }), /"code":"forbidden"/],
      ["/api/workers/x", { method: "DELETE" }, /"code":"forbidden"/],
      ["/health", {}, /"code":"forbidden"/],
      ["/openapi.json", {}, /"code":"forbidden"/],
      ["/nowhere", {}, /"code":"forbidden"/],
      ["/", {}, /"code":"forbidden"/],
    ] as [string, RequestInit, RegExp][]
  ) {
    const { status, text, response } = await ask(bed.url + path, EVIL, init);
    equal(status, 403, path);
    match(text, says);
    ok(response.headers.get("x-sollol-request-id"), path);
    equal(response.headers.get("access-control-allow-origin"), null);
  }
  deepEqual(bed.coordinators, []);
});

Deno.test("a preflight is answered before any key is asked for, with what was asked", async () => {
  await using bed = await GatewayBed.open({ config: "api_keys: [k]" });
  const preflight = { "access-control-request-method": "POST" };
  const asked = "authorization,content-type,x-stainless-os";
  for (const path of ["/v1/chat/completions", "/api/chat", "/v1/messages", "/nowhere"]) {
    const headers = { ...preflight, "access-control-request-headers": asked };
    const { response, status, text } = await ask(bed.url + path, HERE, { method: "OPTIONS", headers });
    deepEqual([status, text], [204, ""], path);
    equal(response.headers.get("access-control-allow-origin"), HERE);
    equal(response.headers.get("access-control-allow-headers"), asked);
    match(response.headers.get("access-control-allow-methods")!, /\bPOST\b.*\bDELETE\b/);
    match(response.headers.get("vary")!, /Origin/);
    ok(Number(response.headers.get("access-control-max-age")) > 0);
  }
  const status = async (origin?: string, headers = {}) =>
    (await ask(`${bed.url}/api/chat`, origin, { method: "OPTIONS", headers })).status;
  equal(await status(EVIL, preflight), 403);
  equal(await status(HERE), 401, "no preflight");
  equal(await status(undefined, preflight), 401, "no page");
});

Deno.test("OPTIONS of a program stays what a path does not know", async () => {
  await using bed = await GatewayBed.open();
  const headers = { "access-control-request-method": "POST" };
  equal((await ask(`${bed.url}/api/chat`, undefined, { method: "OPTIONS", headers })).status, 405);
});

Deno.test("a page may read every answer: whole, streamed, refused, without a key, of a path that is not there", async () => {
  await using bed = await GatewayBed.open({ config: "api_keys: [k]" });
  const messages = [{ role: "user", content: "hi" }];
  const chat = (fields: Record<string, unknown>) => ({
    method: "POST",
    headers: { authorization: "Bearer k" },
    body: JSON.stringify({ model: "fake", messages, ...fields }),
  });
  const key = { headers: { authorization: "Bearer k" } };
  for (
    const [path, init, status, says] of [
      ["/v1/chat/completions", chat({}), 200, /"choices"/],
      ["/v1/chat/completions", chat({ stream: true }), 200, /data: \[DONE\]\s*$/],
      ["/api/chat", chat({ stream: true }), 200, /"content":" word0"/],
      ["/v1/messages", chat({ stream: true, max_tokens: 9 }), 200, /./],
      ["/v1/chat/completions", chat({ model: "nope" }), 404, /model_not_found/],
      ["/v1/chat/completions", chat({ messages: 5 }), 400, /messages/],
      ["/api/chat", { method: "POST", body: "{}" }, 401, /API key/],
      ["/api/nowhere", key, 404, /There is no/],
      ["/v1/models/", key, 301, /^$/],
      ["/api/tags", key, 200, /"models"/],
      ["/", {}, 200, /Ollama is running/],
    ] as [string, RequestInit, number, RegExp][]
  ) {
    const { response, status: got, text } = await ask(bed.url + path, HERE, init);
    equal(got, status, `${path} ${text}`);
    match(text, says);
    deepEqual(allowedTo(response), [HERE, "*", "Origin"], path);
  }
});

Deno.test("what nodes answer is for pages, too, with one header each", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  const models = JSON.parse((await ask(`${bed.gateway.url}/api/tags`, HERE)).text).models;
  for (const stream of [true, false]) {
    const body = JSON.stringify({
      model: models[0].name,
      messages: [{ role: "user", content: "hi" }],
      stream,
    });
    const { response, status } = await ask(`${bed.gateway.url}/api/chat`, HERE, { method: "POST", body });
    deepEqual([status, ...allowedTo(response)], [200, HERE, "*", "Origin"]);
  }
});

/** The status of a page's request to a gateway that it takes for its own site. */
async function rebound(
  url: string,
  host: string,
  { path = "/api/tags", headers = "" }: { path?: string; headers?: string } = {},
): Promise<string> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const head = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers}Connection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const answer = await new Response(connection.readable).text();
  return answer.slice(0, answer.indexOf("\r\n"));
}

Deno.test("a site whose name leads to loopback reads nothing", async () => {
  await using bed = await GatewayBed.open({ config: 'origins: ["https://llm.example.org"]' });
  equal(await rebound(bed.url, "evil.example:11435"), "HTTP/1.1 403 Forbidden");
  equal(await rebound(bed.url, "llm.example.org"), "HTTP/1.1 200 OK");
  equal(await rebound(bed.url, "gateway"), "HTTP/1.1 200 OK");
});

Deno.test("who shows a key asks for it by any name, but for pages and what only operators do", async () => {
  await using bed = await GatewayBed.open({ config: "listen: 0.0.0.0:11435\napi_keys: [k]" });
  const ask = (path: string, headers: string) =>
    rebound(bed.url, "llm.example.org:11435", { path, headers: `${headers}\r\n` });
  equal(await ask("/api/tags", "X-Api-Key: k"), "HTTP/1.1 200 OK");
  equal(await ask("/health", "X-Other: k"), "HTTP/1.1 200 OK", "tells nothing");
  equal(await ask("/api/admin/nodes", "X-Api-Key: k"), "HTTP/1.1 403 Forbidden");
  equal(await ask("/docs", "X-Api-Key: k"), "HTTP/1.1 403 Forbidden");
});

Deno.test("who is let in without a key asks for it by names that no site has, also over the network", async () => {
  const config = "listen: gateway.example.net:11435\nauth: {allow_anonymous: true}";
  await using bed = await GatewayBed.open({ config });
  equal(await rebound(bed.url, "llm.example.org:11435"), "HTTP/1.1 403 Forbidden");
  equal(await rebound(bed.url, "gateway.example.net:11435"), "HTTP/1.1 200 OK");
  equal(await rebound(bed.url, "192.168.1.4:11435"), "HTTP/1.1 200 OK");
});
