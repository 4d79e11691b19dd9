import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { ModelAccess } from "../../lib/auth/model_access.ts";
import { openaiDialect } from "../../lib/dialects/openai_dialect.ts";
import { GatewayError } from "../../lib/errors.ts";
import type { GatewayRequest } from "../../lib/gateway.ts";
import type { Answer } from "../../lib/router/answer.ts";
import { sendTaskOver } from "../../lib/send_task.ts";
import type { BatchEndpoint, TaskRequest } from "../../lib/tasks/batch.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function answerOf(body: Answer["body"], change: Partial<Answer> = {}): Answer {
  const report: Answer["report"] = {
    ...{ to: "node", upstream: "a", url: "http://a", because: "it is there", attemptCount: 1, queueMs: 0 },
    ...{ loadMs: 0, durationMs: 1, modelName: undefined },
  };
  return { status: 200, headers: [], body, report, ...change };
}

function taskOf(endpoint: BatchEndpoint, body: unknown, signal = new AbortController().signal): TaskRequest {
  return { endpoint, body: encode(typeof body === "string" ? body : JSON.stringify(body)), id: "r1", signal };
}

const EMBED = taskOf("/v1/embeddings", { model: "e", input: ["a", "b"] });

const NOBODY = () => Promise.reject(new Error("nobody is asked"));

/** A gateway that answers so. */
const gatewayOf = (infer: (request: GatewayRequest) => Promise<Answer>) => ({ infer });

for (
  const { task, wanted, inputs } of [
    {
      task: taskOf("/v1/chat/completions", { model: "m", messages: [{ role: "user", content: "hi" }] }),
      wanted: { task: "chat", model: "m" },
    },
    { task: taskOf("/v1/completions", { prompt: "hi" }), wanted: { task: "completion", model: undefined } },
    { task: EMBED, wanted: { task: "embedding", model: "e" }, inputs: ["a", "b"] },
  ]
) {
  Deno.test(`sendTaskOver() asks for ${task.endpoint}, behind everybody else and without a stream`, async () => {
    const asked: GatewayRequest[] = [];
    const send = sendTaskOver(
      gatewayOf((request) => (asked.push(request), Promise.resolve(answerOf(encode("{}"))))),
    );
    await send(task);
    const { turns: _turns, keepAliveMs: _keepAlive, choices: _choices, exchange, parts, ...request } =
      asked[0]!;
    deepEqual(request, {
      ...wanted,
      dialect: openaiDialect,
      stream: false,
      priority: -1_000,
      bodyBytes: task.body.byteLength,
      id: "r1",
      keyName: undefined,
      access: undefined,
      signal: task.signal,
    });
    deepEqual(parts?.inputs, inputs);
    const put = await exchange({ kind: "ollama", modelName: undefined, model: undefined, ask: NOBODY });
    ok("target" in put);
    deepEqual([put.target, put.body], [task.endpoint, task.body]);
  });
}

Deno.test("sendTaskOver() asks in the name of the owner's key, for what that may use", async () => {
  const asked: GatewayRequest[] = [];
  const gateway = gatewayOf((request) => (asked.push(request), Promise.resolve(answerOf(encode("{}")))));
  const access = new ModelAccess("one", ["tiny"]);
  await sendTaskOver(gateway, { accessOf: (owner) => owner === "one" ? access : undefined })({
    ...EMBED,
    owner: "one",
  });
  deepEqual([asked[0]!.keyName, asked[0]!.access], ["one", access]);
  const gone = () => {
    throw new GatewayError("forbidden", "The key is gone");
  };
  equal((await sendTaskOver(gateway, { accessOf: gone })(EMBED)).status, 403);
  equal(asked.length, 1);
});

for (
  const { name, answer, want } of [
    { name: "JSON", answer: answerOf(encode('{"a":1}')), want: { status: 200, body: { a: 1 } } },
    {
      name: "text",
      answer: answerOf(encode("<html>"), { status: 502 }),
      want: { status: 502, body: "<html>" },
    },
    { name: "nothing", answer: answerOf(encode(""), { status: 204 }), want: { status: 204, body: "" } },
    {
      name: "a refusal that says when to come again",
      answer: answerOf(encode("{}"), { status: 429, headers: [["retry-after", " 7"]] }),
      want: { status: 429, body: {}, retryAfterSeconds: 7 },
    },
    {
      name: "a refusal that says so in words",
      answer: answerOf(encode("{}"), {
        status: 429,
        headers: [["retry-after", "Fri, 02 Jan 2026 00:00:00 GMT"]],
      }),
      want: { status: 429, body: {} },
    },
  ]
) {
  Deno.test(`sendTaskOver() gives ${name} as it is`, async () => {
    const send = sendTaskOver(gatewayOf(() => Promise.resolve(answer)));
    deepEqual(await send(EMBED), { retryAfterSeconds: undefined, upstream: "a", ...want });
  });
}

Deno.test("sendTaskOver() makes a refusal of the gateway an answer, as a client would get it", async () => {
  const error = new GatewayError("no_capacity", "All are full", { retryAfterSeconds: 5 });
  const send = sendTaskOver(gatewayOf(() => Promise.reject(error)));
  deepEqual(await send(EMBED), {
    status: 503,
    body: {
      error: {
        message: "All are full",
        type: "server_error",
        param: null,
        code: "no_capacity",
        request_id: "r1",
      },
    },
    retryAfterSeconds: 5,
  });
});

for (
  const [name, body, field] of [
    ["no JSON", "{", null],
    ["no input", { model: "e" }, "input"],
    ["a model that is none", { model: 5, input: "a" }, "model"],
  ] as const
) {
  Deno.test(`sendTaskOver() refuses a body with ${name}, and asks nobody`, async () => {
    const send = sendTaskOver(gatewayOf(() => Promise.reject(new Error("nobody is asked"))));
    const { status, body: said } = await send(taskOf("/v1/embeddings", body));
    const { error } = said as { error: { param: unknown; code: unknown } };
    deepEqual([status, error.param, error.code], [400, field, "invalid_request"]);
  });
}

Deno.test("sendTaskOver() stops a stream that nobody asked for", async () => {
  let isCancelled = false;
  const stream = { read: () => Promise.resolve(null), cancel: () => void (isCancelled = true) };
  const send = sendTaskOver(gatewayOf(() => Promise.resolve(answerOf(stream))));
  const { status, body } = await send(EMBED);
  match((body as { error: { message: string } }).error.message, /with a stream, though none was asked for/);
  deepEqual([status, isCancelled], [502, true]);
});

Deno.test("sendTaskOver() rejects with the signal's reason, also where the gateway says something else", async () => {
  const stop = new AbortController();
  const send = sendTaskOver(gatewayOf(() => {
    stop.abort(new Error("enough"));
    return Promise.reject(new GatewayError("client_closed", "The client left"));
  }));
  await rejects(send(taskOf("/v1/embeddings", { input: "a" }, stop.signal)), { message: "enough" });
});

Deno.test("sendTaskOver() lets through what nobody foresaw, for its caller to log", async () => {
  const bug = new TypeError("a bug");
  const thrown = await sendTaskOver(gatewayOf(() => Promise.reject(bug)))(EMBED).catch((error) => error);
  equal(thrown, bug);
});
