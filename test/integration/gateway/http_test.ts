import { deepEqual, equal, match, ok } from "node:assert/strict";
import { GatewayBed } from "./gateway_bed.ts";

const CHAT = "/v1/chat/completions";

/** Sends raw bytes and reads until the server closes, or for at most a second of silence. */
async function raw(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(64 * 1024);
  let answer = "";
  for (;;) {
    const silence = Promise.withResolvers<null>();
    const timer = setTimeout(() => silence.resolve(null), 300);
    const read = connection.read(buffer).catch(() => null);
    const count = await Promise.race([read, silence.promise]);
    clearTimeout(timer);
    if (count === null) return answer;
    answer += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

const BODY = JSON.stringify({ model: "fake", messages: [{ role: "user", content: "hi" }] });

Deno.test("GET / and /health answer anybody; health says how it is", async () => {
  await using bed = await GatewayBed.open({ config: "api_keys: [k]" });
  equal(await (await fetch(bed.url)).text(), "Ollama is running");
  equal((await fetch(bed.url, { method: "HEAD" })).status, 200);
  const headers = { authorization: "Bearer k" };
  const health = await (await fetch(`${bed.url}/health`, { headers })).json();
  deepEqual([health.status, health.coordinators], ["ok", []]);
  deepEqual(health.rpcBackends.map(({ endpoint }: { endpoint: string }) => endpoint), ["127.0.0.2:50052"]);
});

Deno.test("where the rpc backends are is only told to those who may use them", async () => {
  await using bed = await GatewayBed.open({ config: "api_keys: [k]" });
  const ask = async (headers: HeadersInit = {}) =>
    await (await fetch(`${bed.url}/health`, { headers })).json();
  deepEqual(Object.keys(await ask()), ["status", "version"]);
  equal((await ask({ authorization: "Bearer k" })).rpcBackends[0].endpoint, "127.0.0.2:50052");
});

Deno.test("every refused request is found in the log by the id that its answer carries, once", async () => {
  await using bed = await GatewayBed.open({ config: "api_keys: [k]" });
  const headers = { authorization: "Bearer k" };
  const chat = { method: "POST", headers };
  for (
    const [path, init] of [["/nope", { headers }], ["/v1/models", {}], [CHAT, { headers }], [CHAT, {
      ...chat,
      body: "{",
    }], [
      CHAT,
      { ...chat, body: BODY.replace("fake", "nope") },
    ]] as [string, RequestInit][]
  ) {
    const response = await fetch(bed.url + path, init);
    await response.body?.cancel();
    const id = response.headers.get("x-sollol-request-id");
    const lines = bed.logLines.filter(({ requestId }) => requestId === id);
    equal(lines.length, 1, `${path} ${response.status}: ${JSON.stringify(lines)}`);
    equal(lines[0]!["status"], response.status);
  }
});

Deno.test("a client that leaves while it uploads is no bug of ours", async () => {
  await using bed = await GatewayBed.open();
  const { hostname, port } = new URL(bed.url);
  {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const head = `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{`;
    await connection.write(new TextEncoder().encode(head));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  deepEqual(bed.logLines.filter(({ level }) => level === "error"), []);
});

Deno.test("keys: none, wrong, Bearer, x-api-key", async () => {
  await using bed = await GatewayBed.open({ config: "api_keys: [right, also-right]" });
  const rows: [Record<string, string>, number][] = [
    [{}, 401],
    [{ authorization: "Bearer wrong" }, 401],
    [{ authorization: "right" }, 401],
    [{ authorization: "Bearer right" }, 200],
    [{ authorization: "bearer also-right" }, 200],
    [{ "x-api-key": "right" }, 200],
    [{ "x-api-key": "wrong", authorization: "Bearer right" }, 401],
  ];
  for (const [headers, status] of rows) {
    const response = await fetch(`${bed.url}/v1/models`, { headers });
    equal(response.status, status, JSON.stringify(headers));
    await response.body?.cancel();
  }
});

Deno.test("models are listed and shown by any spelling; names may hold slashes", async () => {
  await using bed = await GatewayBed.open({ models: ["fake", "hf.co/user/Repo:Q8_0"] });
  const list = await (await fetch(`${bed.url}/v1/models`)).json();
  deepEqual(list.data.map(({ id }: { id: string }) => id), ["fake:latest", "hf.co/user/Repo:Q8_0"]);
  for (const name of ["fake", "FAKE:latest", "hf.co/user/Repo:Q8_0", "hf.co%2Fuser%2FRepo:Q8_0"]) {
    const response = await fetch(`${bed.url}/v1/models/${name}`);
    equal(response.status, 200, name);
    equal((await response.json()).object, "model");
  }
  const missing = await fetch(`${bed.url}/v1/models/fakke`);
  equal(missing.status, 404);
  match((await missing.json()).error.message, /did you mean "fake:latest"/);
});

Deno.test("who asks for a model as Anthropic's clients do is refused in their words", async () => {
  await using bed = await GatewayBed.open({ models: ["fake"] });
  const headers = { "anthropic-version": "2023-06-01" };
  const missing = await fetch(`${bed.url}/v1/models/fakke`, { headers });
  const { type, error, request_id } = await missing.json();
  deepEqual([missing.status, type, error.type], [404, "error", "not_found_error"]);
  equal(missing.headers.get("request-id"), request_id);
  const wrong = await fetch(`${bed.url}/v1/models`, { headers, method: "POST" });
  deepEqual([wrong.status, (await wrong.json()).error.type], [405, "invalid_request_error"]);
});

Deno.test("who writes a slash too much is sent to the path without it, as Ollama does", async () => {
  await using bed = await GatewayBed.open();
  const rows: [method: string, path: string, status: number, location: string][] = [
    ["GET", "/v1/models/", 301, "/v1/models"],
    ["GET", "//v1/models", 301, "/v1/models"],
    ["GET", "/api/ps/?x=/1/", 301, "/api/ps?x=/1/"],
    ["POST", "//v1//chat/completions///", 307, CHAT],
    ["POST", "/api/pull/", 307, "/api/pull"],
    ["POST", "/v1/messages/?beta=true", 307, "/v1/messages?beta=true"],
    ["GET", "//elsewhere.example/x", 301, "/elsewhere.example/x"],
  ];
  for (const [method, path, status, location] of rows) {
    const response = await fetch(bed.url + path, { method, redirect: "manual" });
    deepEqual([response.status, response.headers.get("location")], [status, location], path);
    await response.body?.cancel();
  }
  const root = await fetch(`${bed.url}//`);
  equal(await root.text(), "Ollama is running");
});

Deno.test("unknown routes are 404 and wrong methods 405, in the dialect", async () => {
  await using bed = await GatewayBed.open();
  for (const path of ["/nope", "/v1/nope", "/v1/chat", "/v1/../etc/passwd"]) {
    const response = await fetch(bed.url + path);
    equal(response.status, 404, path);
    equal((await response.json()).error.code, "not_found");
  }
  for (
    const [method, path, allowed] of [["GET", CHAT, "POST"], ["DELETE", "/v1/models", "GET"], [
      "PUT",
      "/health",
      "GET",
    ]] as const
  ) {
    const response = await fetch(bed.url + path, { method });
    equal(response.status, 405, path);
    equal(response.headers.get("allow"), allowed);
    equal((await response.json()).error.code, "method_not_allowed");
  }
});

const bad: {
  name: string;
  body: BodyInit;
  status: number;
  code: string;
  headers?: Record<string, string>;
}[] = [
  { name: "not JSON", body: "{nope", status: 400, code: "invalid_request" },
  { name: "no body", body: "", status: 400, code: "invalid_request" },
  { name: "an array", body: "[]", status: 400, code: "invalid_request" },
  { name: "wrong types", body: `{"model":1,"messages":"x"}`, status: 400, code: "invalid_request" },
  {
    name: "no model and no default",
    body: `{"messages":[{"role":"user","content":"x"}]}`,
    status: 400,
    code: "invalid_request",
  },
  {
    name: "a name that tries to leave the store",
    body: BODY.replace("fake", "../../etc/passwd"),
    status: 400,
    code: "invalid_request",
  },
  {
    name: "an absolute path for a name",
    body: BODY.replace("fake", "/etc/passwd"),
    status: 400,
    code: "invalid_request",
  },
  {
    name: "a NUL in the name",
    body: BODY.replace("fake", "fa\\u0000ke"),
    status: 400,
    code: "invalid_request",
  },
  {
    name: "a compressed body",
    body: BODY,
    status: 415,
    code: "unsupported_encoding",
    headers: { "content-encoding": "gzip" },
  },
  {
    name: "a body above the limit",
    body: `{"x":"${"y".repeat(2 * 1024 * 1024)}"}`,
    status: 413,
    code: "too_large",
  },
];
for (const { name, body, status, code, headers = {} } of bad) {
  Deno.test(`bad input, ${name}: ${status} with a sentence, and the gateway stays up`, async () => {
    await using bed = await GatewayBed.open();
    const response = await fetch(bed.url + CHAT, { method: "POST", body, headers });
    equal(response.status, status);
    const { error } = await response.json();
    equal(error.code, code);
    ok(error.message.length > 20, error.message);
    ok(!error.message.includes("/tmp/"), `a path leaked: ${error.message}`);
    equal((await fetch(`${bed.url}/health`).then((r) => r.json())).status, "ok");
  });
}

Deno.test("a chunked body above the limit is refused while it is read", async () => {
  await using bed = await GatewayBed.open({ config: "limits: { body: 100000 }" });
  let sentBytes = 0;
  const body = new ReadableStream({
    pull(controller) {
      sentBytes += 50_000;
      if (sentBytes > 50_000_000) return controller.close();
      controller.enqueue(new Uint8Array(50_000).fill(32));
    },
  });
  const status = await fetch(bed.url + CHAT, { method: "POST", body }).then(async (response) => {
    await response.body?.cancel();
    return response.status;
  }, () => 413); // the server may close before the client has read the answer
  equal(status, 413);
  ok(sentBytes < 50_000_000, "the whole body was taken");
});

Deno.test("the answer is not compressed behind the client's back", async () => {
  await using bed = await GatewayBed.open();
  const head =
    `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n`;
  const answer = await raw(bed.url, head + BODY);
  match(answer, /^HTTP\/1\.1 200/);
  ok(!/content-encoding/i.test(answer), answer);
  match(bed.upstream.seen[0]!.headers, /accept-encoding: identity/i);
});

Deno.test("Expect: 100-continue is answered before the body is sent", async () => {
  await using bed = await GatewayBed.open();
  const head =
    `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${BODY.length}\r\n\r\n`;
  match(await raw(bed.url, head), /^HTTP\/1\.1 100/);
});

const smuggling: { name: string; request: string }[] = [
  {
    name: "Content-Length and Transfer-Encoding together",
    request:
      `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX`,
  },
  {
    name: "two different Content-Lengths",
    request: `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{"a":1`,
  },
  {
    name: "an unknown Transfer-Encoding",
    request: `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  },
  {
    name: "a space before the colon",
    request: `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n{}`,
  },
  {
    name: "a chunk size that is none",
    request: `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n`,
  },
  {
    name: "a chunk size that overflows",
    request:
      `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff1\r\n{}\r\n0\r\n\r\n`,
  },
];
for (const { name, request } of smuggling) {
  Deno.test(`request smuggling, ${name}: nothing reaches the upstream`, async () => {
    await using bed = await GatewayBed.open();
    const answer = await raw(bed.url, `${request}GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n`);
    ok(answer === "" || /^HTTP\/1\.[01] [45]/.test(answer), answer.slice(0, 200));
    ok(!answer.includes("/smuggled"), "the smuggled request was answered");
    equal(bed.coordinators.length, 0);
  });
}

Deno.test("a header that a model's name or a sentence could break stays a header", async () => {
  await using bed = await GatewayBed.open({ models: ["fake"] });
  const response = await bed.chat({ model: "fake:la\u0442est\r\nx-evil: 1" });
  equal(response.headers.get("x-evil"), null);
  equal(response.status, 400);
  await response.body?.cancel();
});
