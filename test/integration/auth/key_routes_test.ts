import { deepEqual, equal, match, ok } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { CHAT, KEY_ROUTES, resultOf, SECRETS } from "../../fixtures/key_matrix.ts";
import { ask, chat, CONFIG, open } from "./key_bed.ts";

Deno.test("keys by routes: each is let in where its scopes and its models say so, and nowhere else", async () => {
  await using bed = await open();
  const wrong: string[] = [];
  for (const [route, body, ...wanted] of KEY_ROUTES) {
    for (const [at, key] of SECRETS.entries()) {
      const response = await ask(bed, route, body, key);
      const text = await response.text();
      const got = resultOf(response);
      if (got !== wanted[at] || response.status === 500) {
        wrong.push(
          `${key} ${route} ${JSON.stringify(body)}: want ${wanted[at]}, got ${response.status} ${text}`,
        );
      }
      const challenge = response.headers.get("www-authenticate");
      equal(challenge, got === 401 ? 'Bearer, Basic realm="sollol"' : null, route);
      ok(response.headers.has("x-sollol-request-id") || got === "in", route);
    }
  }
  deepEqual(wrong, []);
  const log = JSON.stringify(bed.logLines);
  for (const secret of SECRETS) ok(secret === undefined || !log.includes(secret), secret);
});

Deno.test("lists show a key the models that it may use, by all of their names", async () => {
  await using bed = await open();
  const listed = async (path: string, key: string) => {
    const { data, models } = await (await ask(bed, `GET ${path}`, undefined, key)).json();
    return (data ?? models).map(({ id, name }: { id?: string; name?: string }) => id ?? name);
  };
  deepEqual(await listed("/v1/models", "one-key"), ["fake:latest", "pet"]);
  deepEqual(await listed("/v1/models", "chat-key"), ["fake:latest", "nick", "other:latest", "pet"]);
  equal((await listed("/api/tags", "one-key")).length, 2);
  equal((await listed("/api/tags", "ops-key")).length, 4);
  await chat(bed, "chat-key", { model: "other" });
  await chat(bed, "chat-key", { model: "fake" });
  equal((await listed("/api/ps", "one-key")).length, 1);
  equal((await listed("/api/ps", "chat-key")).length, 2);
  const props = await ask(bed, "GET /props", undefined, "one-key");
  equal(props.status, 400);
  match(await props.text(), /"one.*is for some models only; name one of them/);
});

Deno.test("who may use some models only is told so in its own dialect, which key it is, and what to do", async () => {
  await using bed = await open();
  const want =
    /The key .?"one.?" may not use the model .?"other.?", only fake; ask for one of those that GET \/v1\/models/;
  const openai = await chat(bed, "one-key", { model: "other" });
  match(openai.body.error.message, want);
  const ollama = await (await ask(bed, "POST /api/chat", CHAT("other"), "one-key")).json();
  match(ollama.error, want);
  const anthropic = await (await ask(bed, "POST /v1/messages", CHAT("other"), "one-key")).json();
  deepEqual([anthropic.type, anthropic.error.type], ["error", "permission_error"]);
  match(anthropic.error.message, want);
  match(
    (await chat(bed, "one-key", { model: "nick" })).body.error.message,
    /^The key "one" may not use the model "nick", only fake;/,
  );
  const [, second] = [CHAT("fake"), CHAT("other")].map((asked) => ({ type: "chat", ...asked }));
  const many = await ask(
    bed,
    "POST /api/batch",
    { requests: [{ type: "chat", ...CHAT("fake") }, second] },
    "one-key",
  );
  match((await many.json()).error.message, /^requests\[1\]: The key "one" may not use the model "other"/);
});

Deno.test("a fallback answers only those who may use it", async () => {
  const refuseMisfit = ({ name }: { name: string }) => {
    if (name.startsWith("fake")) throw new GatewayError("insufficient_memory", "It fits nowhere");
  };
  await using bed = await open({ config: `${CONFIG}fallbacks: {fake: [other]}`, refuseMisfit });
  equal((await chat(bed, "chat-key")).status, 200);
  const { status, body } = await chat(bed, "one-key");
  equal(status, 507);
  match(body.error.message, /It fits nowhere/);
  ok(!body.error.message.includes("other"), "who may not use a model does not hear of it");
});

Deno.test("the line about a request names its key", async () => {
  await using bed = await open();
  await chat(bed, "one-key");
  await chat(bed, "one-key", { model: "other" });
  deepEqual(bed.requestLines.map(({ key, status }) => [key, status]), [["one", 200], ["one", 403]]);
});

Deno.test("without keys programs on this machine may do everything, and nobody else anything", async () => {
  await using bed = await open({ config: "" });
  const status = async (address: string, path: string) => {
    const response = await bed.fetch(new Request(`http://gateway${path}`), address);
    await response.body?.cancel();
    return response.status;
  };
  for (const here of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
    deepEqual([await status(here, "/v1/models"), await status(here, "/api/admin/nodes")], [200, 200], here);
  }
  for (const elsewhere of ["192.168.1.4", "::ffff:192.168.1.4", "fd00::4", ""]) {
    deepEqual(
      [await status(elsewhere, "/v1/models"), await status(elsewhere, "/docs")],
      [401, 200],
      elsewhere,
    );
  }
});

Deno.test("how the gateway is, is told to those who may measure it", async () => {
  await using bed = await open();
  const [, , ...wanted] = KEY_ROUTES.find(([route]) => route === "GET /metrics")!;
  for (const [at, key] of SECRETS.entries()) {
    const health = await (await ask(bed, "GET /health", undefined, key)).json();
    equal("rpcBackends" in health, wanted[at] === "in", key);
  }
});

Deno.test("a key for some models hears nothing of others: not by near names, nor by why an answer came from there", async () => {
  const some = "auth: {keys: [{name: some, key: some-key, models: ['fa*', oth]}]}\naliases: {fable: other}\n";
  await using bed = await open({ config: some });
  const body = (model: string) => ({ ...CHAT(model), keep_alive: 0 });
  for (
    const [route, asked] of [
      ["POST /v1/chat/completions", CHAT("oth")],
      ["POST /v1/chat/completions", { ...CHAT("fakes"), stream: true }],
      ["POST /api/chat", CHAT("oth")],
      ["POST /api/generate", body("oth")],
      ["POST /api/show", { model: "oth" }],
      ["GET /v1/models/oth", undefined],
      ["GET /props?model=oth", undefined],
    ] as const
  ) {
    const response = await ask(bed, route, asked, "some-key");
    const text = await response.text();
    equal(response.status, 404, `${route} ${text}`);
    ok(!/other|fake:|did you mean/.test(text), `${route} ${text}`);
  }
  const forbidden = await (await ask(bed, "POST /v1/chat/completions", CHAT("fable"), "some-key")).text();
  match(forbidden, /may not use the model/);
  ok(!forbidden.includes("other"), forbidden);
});

Deno.test("a model that only Ollama would read, whose fields may have any case, is refused", async () => {
  await using bed = await open();
  for (
    const path of ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/messages", "/api/show"]
  ) {
    const asked = { ...CHAT("fake"), prompt: "hi", input: "hi", Model: "other" };
    const response = await ask(bed, `POST ${path}`, asked, "one-key");
    const text = await response.text();
    equal(response.status, 400, `${path} ${text}`);
    match(text, /Write \\?"model\\?" in lower case/, path);
  }
  equal(bed.coordinators.length, 0, "nobody is asked");
});

Deno.test("clients that may do nothing leave one line a second, whatever they are refused for", async () => {
  await using bed = await open();
  for (let at = 0; at < 20; at++) {
    for (
      const request of [
        new Request("http://gateway/v1/models", { headers: { origin: "http://evil.example" } }),
        new Request("http://gateway/health", { method: "POST" }),
        new Request("http://gateway/docs", { headers: { host: "evil.example" } }),
        new Request("http://gateway/v1/models", { headers: { "x-long": "x".repeat(100_000) } }),
      ]
    ) {
      const response = await bed.fetch(request, "192.168.1.9");
      ok(response.status >= 400, String(response.status));
      await response.body?.cancel();
    }
  }
  bed.access[Symbol.dispose]();
  ok(bed.logLines.length <= 3, JSON.stringify(bed.logLines));
  const counts = bed.logLines.slice(1).map(({ noKeyCount }) => Number(noKeyCount));
  equal(counts.reduce((sum, count) => sum + count, 1), 80);
});
