import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type OllamaExchange, TINY } from "../fixtures/ollama_node/exchanges.ts";
import { exchange } from "../fixtures/ollama_node/transcript.ts";
import { until } from "../fixtures/until.ts";

/** A node that a test has for itself: it holds the tiny model alone, and answers one request at a time. */
export interface NodeUnderTest extends AsyncDisposable {
  readonly url: string;
  /** Breaks the answers that are under way. */
  crashRunner(): Promise<void>;
}

/** What a contract is run against. */
export interface NodeSubject {
  /** Told in the name of each test. */
  readonly name: string;
  readonly start: () => Promise<NodeUnderTest>;
  /** Skips the tests; `name` then says why. */
  readonly ignore?: boolean;
}

const MESSAGES = [{ role: "user", content: "hello" }];
const THREE_TOKENS = { options: { num_predict: 3 } };
const NO_LIMIT = { options: { num_predict: -1 }, max_tokens: 100_000 };

// deno-lint-ignore no-explicit-any -- what a server answers
type Json = any;

/** What we rely on in Ollama 0.17 and later: what it lists, how it answers, refuses, waits and breaks off. */
export function ollamaNodeContract({ name, start, ignore = false }: NodeSubject): void {
  const test = (sentence: string, body: (node: NodeUnderTest) => Promise<void>) =>
    Deno.test({
      name: `${name} ${sentence}`,
      ignore,
      async fn() {
        await using node = await start();
        await body(node);
      },
    });

  test("lists the models that it holds, alike in its own API and in OpenAI's", async ({ url }) => {
    const { models } = await getJson(url, "/api/tags");
    const [{ name: listed, model, size, digest, details, modified_at }] = models;
    deepEqual([models.length, listed, model], [1, "tiny:latest", "tiny:latest"]);
    ok(size > 2_000_000 && Number.isSafeInteger(size));
    match(digest, /^[0-9a-f]{64}$/);
    deepEqual([details.format, details.family, details.quantization_level], ["gguf", "llama", "F16"]);
    ok(Date.parse(modified_at) > 0);
    const { data } = await getJson(url, "/v1/models");
    equal(data[0].id, listed);
    equal(data[0].created, Math.floor(Date.parse(modified_at) / 1_000));
  });

  test("tells a model's shape, by its name in any case", async ({ url }) => {
    for (const spelled of [TINY, "TINY", "tiny:latest"]) {
      const { model_info: info, details } = await postJson(url, "/api/show", { model: spelled });
      equal(info["general.architecture"], details.family);
      const shape = ["block_count", "attention.head_count", "attention.head_count_kv", "embedding_length"];
      deepEqual(shape.map((key) => info[`llama.${key}`]), [8, 4, 2, 128]);
      equal(info["llama.context_length"], 32_768);
      equal(info["general.parameter_count"], 1_316_224);
    }
  });

  test("has a model in memory from its first request on, for as long as it was asked", async ({ url }) => {
    deepEqual(await getJson(url, "/api/ps"), { models: [] });
    await postJson(url, "/api/chat", { model: TINY, messages: MESSAGES, stream: false, ...THREE_TOKENS });
    const { models: [first] } = await getJson(url, "/api/ps");
    equal(first.name, "tiny:latest");
    ok(minutesUntil(first.expires_at) > 4 && minutesUntil(first.expires_at) < 6, first.expires_at);
    equal((await postJson(url, "/api/generate", { model: TINY, keep_alive: "1h" })).done_reason, "load");
    const { models: [later] } = await getJson(url, "/api/ps");
    ok(minutesUntil(later.expires_at) > 55, later.expires_at);
    equal((await postJson(url, "/api/generate", { model: TINY, keep_alive: -1 })).done_reason, "load");
    const { models: [always] } = await getJson(url, "/api/ps");
    ok(new Date(always.expires_at).getUTCFullYear() > 2200, always.expires_at);
    equal((await postJson(url, "/api/generate", { model: TINY, keep_alive: 0 })).done_reason, "unload");
    await until(
      async () => (await getJson(url, "/api/ps")).models.length === 0,
      "the model to leave memory",
      {
        withinMs: 20_000,
      },
    );
  });

  for (
    const { path, prompt, textOf } of [
      { path: "/api/chat", prompt: { messages: MESSAGES }, textOf: (line: Json) => line.message.content },
      { path: "/api/generate", prompt: { prompt: "hello" }, textOf: (line: Json) => line.response },
    ]
  ) {
    test(`streams ${path} as lines, and counts its tokens in the last`, async ({ url }) => {
      const body = { model: "Tiny", ...prompt, ...THREE_TOKENS };
      const answer = await ask(url, path, body);
      equal(answer.headers["content-type"], "application/x-ndjson");
      const lines: Json[] = answer.body.trimEnd().split("\n").map((line) => JSON.parse(line));
      deepEqual(lines.map(({ done }) => done), [false, false, false, true]);
      ok(lines.slice(0, 3).every((line) => textOf(line) !== ""));
      const last = lines[3];
      deepEqual([textOf(last), last.model, last.done_reason, last.eval_count], ["", "Tiny", "length", 3]);
      ok(last.prompt_eval_count > 0 && last.eval_duration > 0 && last.total_duration > 0);
      const whole = await postJson(url, path, { ...body, stream: false });
      deepEqual([whole.done, whole.done_reason, whole.eval_count], [true, "length", 3]);
      ok(textOf(whole).length > 0);
    });
  }

  for (
    const { path, prompt, textOf } of [
      {
        path: "/v1/chat/completions",
        prompt: { messages: MESSAGES },
        textOf: (choice: Json) => (choice.delta ?? choice.message).content ?? "",
      },
      { path: "/v1/completions", prompt: { prompt: "hello" }, textOf: (choice: Json) => choice.text },
    ]
  ) {
    test(`streams ${path} as events: tokens, the finish, usage if asked, [DONE]`, async ({ url }) => {
      const body = { model: TINY, ...prompt, max_tokens: 3 };
      const answer = await ask(url, path, {
        ...body,
        stream: true,
        stream_options: { include_usage: true },
      });
      equal(answer.headers["content-type"], "text/event-stream");
      const events = readEvents(answer.body);
      equal(events.pop(), "[DONE]");
      const usage: Json = events.pop();
      deepEqual([usage.choices, usage.usage.completion_tokens], [[], 3]);
      const choices = events.map((event: Json) => event.choices[0]);
      deepEqual(choices.map(({ finish_reason }) => finish_reason), [null, null, null, "length"]);
      ok(choices.slice(0, 3).every((choice) => textOf(choice) !== ""));
      equal(textOf(choices[3]), "");
      ok(
        !readEvents((await ask(url, path, { ...body, stream: true })).body).some((event: Json) =>
          event.usage
        ),
      );
      const whole = await postJson(url, path, body);
      deepEqual([whole.choices[0].finish_reason, whole.usage.completion_tokens], ["length", 3]);
      equal(whole.usage.total_tokens, whole.usage.prompt_tokens + 3);
      ok(textOf(whole.choices[0]).length > 0);
    });
  }

  test("embeds in order, or says that the model cannot", async ({ url }) => {
    const texts = ["hello world", "one more text", "hello world"];
    const answer = await ask(url, "/v1/embeddings", { model: TINY, input: texts });
    if (answer.status !== 200) {
      equal(answer.status, 501);
      return match(JSON.parse(answer.body).error.message, /does not support embeddings/);
    }
    const { data, usage } = JSON.parse(answer.body);
    deepEqual(data.map(({ index }: Json) => index), [0, 1, 2]);
    const vectors = data.map(({ embedding }: Json) => embedding);
    deepEqual(vectors[0], vectors[2]);
    ok(vectors.every((vector: number[]) => Math.abs(Math.hypot(...vector) - 1) < 1e-3));
    ok(usage.prompt_tokens > 0);
    const { embeddings } = await postJson(url, "/api/embed", { model: TINY, input: texts });
    deepEqual(embeddings, vectors);
    const coded = await postJson(url, "/v1/embeddings", {
      model: TINY,
      input: texts[1],
      encoding_format: "base64",
    });
    const bytes = Uint8Array.fromBase64(coded.data[0].embedding);
    deepEqual(new Float32Array(bytes.buffer), Float32Array.from(vectors[1]));
  });

  for (
    const { sentence, method = "POST", path, body, status, says } of [
      {
        sentence: "an unknown path",
        method: "GET",
        path: "/nope",
        status: 404,
        says: /^404 page not found$/,
      },
      {
        sentence: "the wrong method",
        method: "GET",
        path: "/api/chat",
        status: 405,
        says: /^405 method not/,
      },
      { sentence: "no body", path: "/api/chat", status: 400, says: /missing request body/ },
      {
        sentence: "no JSON",
        path: "/api/generate",
        body: "{bad",
        status: 400,
        says: /invalid character 'b'/,
      },
      { sentence: "half a JSON", path: "/api/chat", body: '{"a":', status: 400, says: /unexpected EOF/ },
      { sentence: "no model", path: "/api/chat", body: "{}", status: 400, says: /model is required/ },
      {
        sentence: "an unknown model",
        path: "/api/chat",
        body: '{"model":"nope"}',
        status: 404,
        says: /^\{"error":"model 'nope' not found"\}$/,
      },
      {
        sentence: "OpenAI's unknown model",
        path: "/v1/chat/completions",
        body: '{"model":"nope","messages":[{"role":"user","content":"x"}]}',
        status: 404,
        says: /^\{"error":\{"message":"model 'nope' not found","type":"[a-z_]+","param":null,"code":null\}\}/,
      },
      {
        sentence: "a bare number as keep_alive's text",
        path: "/api/chat",
        body: '{"model":"tiny","keep_alive":"300"}',
        status: 400,
        says: /missing unit in duration/,
      },
      {
        sentence: "tools for a model that cannot use them",
        path: "/api/chat",
        body:
          '{"model":"tiny","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"x","parameters":{"type":"object","properties":{}}}}]}',
        status: 400,
        says: /does not support tools/,
      },
    ] satisfies (Omit<OllamaExchange, "name" | "method"> & {
      sentence: string;
      method?: OllamaExchange["method"];
      status: number;
      says: RegExp;
    })[]
  ) {
    test(`answers ${status} to ${sentence}`, async ({ url }) => {
      const answer = await exchange(url, {
        name: sentence,
        method,
        path,
        ...(body !== undefined && { body }),
      });
      equal(answer.status, status, answer.body);
      match(answer.body, says);
    });
  }

  test("lets a request wait for its place, and stops working for a client that left", async ({ url }) => {
    const leaving = new AbortController();
    const endless = await open(
      url,
      "/api/chat",
      { model: TINY, messages: MESSAGES, ...NO_LIMIT },
      leaving.signal,
    );
    await endless.read();
    let hasWaited = true;
    const next = postJson(url, "/api/chat", {
      model: TINY,
      messages: MESSAGES,
      stream: false,
      ...THREE_TOKENS,
    })
      .finally(() => hasWaited = false);
    for (let count = 0; count < 3; count++) await endless.read();
    ok(hasWaited, "the second was answered while the only place was taken");
    leaving.abort();
    equal((await next).eval_count, 3);
  });

  test("tells of a runner's death in the last line of its own API", async (node) => {
    const stream = await open(node.url, "/api/chat", { model: TINY, messages: MESSAGES, ...NO_LIMIT });
    await stream.read();
    await node.crashRunner();
    const lines = (await stream.rest()).trimEnd().split("\n").map((line) => JSON.parse(line));
    match(lines.at(-1).error, /^an error was encountered while running the model/);
    ok(lines.every(({ done }) => done !== true));
  });

  test("loses a runner's death in OpenAI's API: no finish, no [DONE]", async (node) => {
    const body = { model: TINY, messages: MESSAGES, stream: true, ...NO_LIMIT };
    const stream = await open(node.url, "/v1/chat/completions", body);
    await stream.read();
    await node.crashRunner();
    const events = readEvents(await stream.rest());
    const last: Json = events.at(-1);
    deepEqual([last.model, last.choices[0].delta.content, last.choices[0].finish_reason], ["", "", null]);
    ok(!events.includes("[DONE]"));
  });
}

function ask(url: string, path: string, body: unknown): ReturnType<typeof exchange> {
  return exchange(url, { name: path, method: "POST", path, body: JSON.stringify(body) });
}

async function postJson(url: string, path: string, body: unknown): Promise<Json> {
  const answer = await ask(url, path, body);
  equal(answer.status, 200, answer.body);
  return JSON.parse(answer.body);
}

async function getJson(url: string, path: string): Promise<Json> {
  return JSON.parse((await exchange(url, { name: path, method: "GET", path })).body);
}

/** A stream, to be read piece by piece, and then in one. */
async function open(
  url: string,
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<{ read(): Promise<string>; rest(): Promise<string> }> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
  equal(response.status, 200);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const read = async () => (await reader.read()).value ?? "";
  return {
    read,
    async rest() {
      let text = "";
      for (let piece = await read(); piece !== ""; piece = await read()) text += piece;
      return text;
    },
  };
}

/** The events of a whole stream: JSON where it is some, else text. */
function readEvents(body: string): unknown[] {
  return body.split("\n\n").filter((event) => event.startsWith("data: ")).map((event) => {
    const data = event.slice("data: ".length);
    return data === "[DONE]" ? data : JSON.parse(data);
  });
}

function minutesUntil(time: string): number {
  return (Date.parse(time) - Date.now()) / 60_000;
}
