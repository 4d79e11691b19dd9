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
