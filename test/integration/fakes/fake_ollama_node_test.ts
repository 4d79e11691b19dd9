import { deepEqual, doesNotMatch, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { fakeAnswer } from "../../fakes/fake_ollama_answer.ts";
import { fakeEmbedding } from "../../fakes/fake_ollama_embedding.ts";
import { FakeOllamaNode, type FakeOllamaOptions } from "../../fakes/fake_ollama_node.ts";
import type { FakeOllamaBehaviour, FakeOllamaMode } from "../../fakes/fake_ollama_mode.ts";
import { until } from "../../fixtures/until.ts";
import { type RawAnswer, RawClient } from "./raw_client.ts";

const CHAT = "/api/chat";
const ASKED = { model: "llama3:8b", messages: [{ role: "user", content: "hello" }] };
const STREAM = { ...ASKED, stream: true };
const WHOLE = { ...ASKED, stream: false };
const EMBED = { model: "llama3:8b", input: ["one", "two"] };
/** An answer that takes five seconds: far from its end whenever a test looks. */
const LONG = { answer: fakeAnswer(500), tokensPerSecond: 100 };

function test(
  sentence: string,
  options: FakeOllamaOptions,
  body: (node: FakeOllamaNode) => Promise<void>,
): void {
  Deno.test(`the fake node ${sentence}`, async () => {
    await using node = await FakeOllamaNode.start(options);
    await body(node);
  });
}

const MISBEHAVIOURS: readonly {
  mode: FakeOllamaMode;
  options?: Partial<FakeOllamaBehaviour>;
  path?: string;
  body?: unknown;
  want: (answer: RawAnswer) => void;
}[] = [
  {
    mode: "busy_429",
    options: { retryAfter: "7" },
    want: ({ text }) => match(text, /^HTTP\/1\.1 429 .*\r\nRetry-After: 7\r\n/s),
  },
  {
    mode: "busy_503",
    want: ({ text }) =>
      match(text, /^HTTP\/1\.1 503 .*try again\. {2}maximum pending requests exceeded"\}$/s),
  },
  { mode: "error_500", want: ({ text }) => match(text, /^HTTP\/1\.1 500 .*\{"error":"llama runner/s) },
  {
    mode: "error_500_after_headers",
    want({ text, end }) {
      match(text, /^HTTP\/1\.1 200 OK.*\r\n\r\n500 Internal Server Error\r\n$/s);
      equal(end, "reset");
    },
  },
  { mode: "reset_before_answer", want: (answer) => deepEqual(answer, { text: "", end: "reset" }) },
  {
    mode: "reset_mid_stream",
    options: { afterTokens: 2 },
    want({ text, end }) {
      match(text, /word1"/);
      doesNotMatch(text, /word2"/);
      equal(end, "reset");
    },
  },
  {
    mode: "reset_mid_stream",
    body: WHOLE,
    want({ text, end }) {
      match(text, /^HTTP\/1\.1 200 OK.*\{"model":$/s);
      equal(end, "reset");
    },
  },
  {
    mode: "runner_crash",
    options: { afterTokens: 2 },
    want: ({ text }) =>
      match(text, /word1"[^]*\n\{"error":"an error was encountered[^\n]*\}\n\r\n0\r\n\r\n$/),
  },
  {
    mode: "runner_crash",
    path: "/v1/chat/completions",
    want({ text, end }) {
      match(text, /"model":"","[^\n]*\{"content":""\},"finish_reason":null\}\]\}\n\n\r\n0\r\n\r\n$/);
      doesNotMatch(text, /DONE/);
      equal(end, "closed");
    },
  },
  {
    mode: "reset_mid_stream",
    path: "/v1/embeddings",
    body: EMBED,
    want({ text, end }) {
      match(text, /^HTTP\/1\.1 200 OK.*\{"model":$/s);
      equal(end, "reset");
    },
  },
  {
    mode: "runner_crash",
    path: "/v1/embeddings",
    body: EMBED,
    want: ({ text }) => match(text, /^HTTP\/1\.1 500 .*"message":"an error was encountered/s),
  },
  { mode: "runner_crash", body: WHOLE, want: ({ text }) => match(text, /^HTTP\/1\.1 500 /) },
  { mode: "error_in_200", want: ({ text }) => match(text, /^HTTP\/1\.1 200 .*\r\n\r\n\{"error":"an error/s) },
  { mode: "model_missing", want: ({ text }) => match(text, /^HTTP\/1\.1 404 .*'llama3:8b' not found/s) },
  {
    mode: "too_large",
    path: "/v1/chat/completions",
    want: ({ text }) =>
      match(
        text,
        /^HTTP\/1\.1 500 .*\{"error":\{"message":"model requires more system memory \(1\.0 GiB\) than/s,
      ),
  },
  { mode: "html", want: ({ text }) => match(text, /^HTTP\/1\.1 200 .*text\/html.*<html>/s) },
  {
    mode: "redirect",
    options: { location: "http://198.51.100.1/" },
    want: ({ text }) => match(text, /^HTTP\/1\.1 302 .*\r\nLocation: http:\/\/198\.51\.100\.1\/\r\n/s),
  },
  {
    mode: "truncated_json",
    body: WHOLE,
    want({ text }) {
      const [head, body] = split(text);
      equal(body.length, Number(/Content-Length: (\d+)/.exec(head)?.[1]));
      throwsOnParse(body);
    },
  },
  {
    mode: "truncated_json",
    want({ text }) {
      match(text, /\r\n0\r\n\r\n$/);
      doesNotMatch(text, /"done":true/);
    },
  },
  {
    mode: "wrong_content_length",
    body: WHOLE,
    want({ text, end }) {
      const [head, body] = split(text);
      ok(body.length < Number(/Content-Length: (\d+)/.exec(head)?.[1]));
      equal(end, "closed");
    },
  },
  { mode: "wrong_content_length", want: ({ text }) => match(text, /Content-Length: 10000000.*"done":true/s) },
  { mode: "chunks_without_end", want: ({ text }) => match(text, /chunked.*"done":true[^\n]*\n\r\n$/s) },
  { mode: "huge_headers", want: ({ text }) => ok(split(text)[0].length > 1024 * 1024) },
];

for (const { mode, options = {}, path = CHAT, body = STREAM, want } of MISBEHAVIOURS) {
  const kind = body === STREAM ? "a stream" : body === WHOLE ? "a whole answer" : "vectors";
  test(`plays ${mode} at ${path} for ${kind}, and is well again`, {}, async (node) => {
    node.behave(mode, options);
    want(await RawClient.ask(node.port, path, body));
    node.behave("ok");
    match((await RawClient.ask(node.port, CHAT, STREAM)).text, /^HTTP\/1\.1 200 .*"done":true/s);
    deepEqual([node.inFlight, node.abortedCount], [0, 0]);
  });
}

for (
  const mode of [
    "html",
    "truncated_json",
    "redirect",
    "wrong_content_length",
    "chunks_without_end",
    "huge_headers",
  ] as const
) {
  test(`plays ${mode} to checks, too`, {}, async (node) => {
    const sound = await RawClient.ask(node.port, "/api/tags");
    node.behave(mode);
    notEqual(normal((await RawClient.ask(node.port, "/api/tags")).text), normal(sound.text));
  });
}

for (
  const mode of ["busy_503", "error_500", "reset_before_answer", "hang_inference", "model_missing"] as const
) {
  test(`answers checks while it plays ${mode}`, {}, async (node) => {
    node.behave(mode);
    match((await RawClient.ask(node.port, "/api/tags")).text, /^HTTP\/1\.1 200 .*"llama3:8b"/s);
  });
}

test("tells what cannot be, when it plays absurd_ps", {}, async (node) => {
  node.behave("absurd_ps");
  const { models } = JSON.parse(split((await RawClient.ask(node.port, "/api/ps")).text)[1]);
  ok(models.some(({ size, size_vram }: Record<string, number>) => size_vram! > size!));
  ok(models.some(({ size }: Record<string, unknown>) => typeof size === "string"));
});

test("is an old Ollama, when it plays version_skew", {}, async (node) => {
  node.behave("version_skew");
  match((await RawClient.ask(node.port, "/api/version")).text, /"0\.1\.30"/);
  match((await RawClient.ask(node.port, "/api/ps")).text, /^HTTP\/1\.1 404 /);
  const { models: [model] } = JSON.parse(split((await RawClient.ask(node.port, "/api/tags")).text)[1]);
  deepEqual([model.name, model.model, model.capabilities], ["llama3:8b", undefined, undefined]);
  match((await RawClient.ask(node.port, CHAT, STREAM)).text, /"done":true/);
});

test("lists other names than it was given, when it plays case_names, and knows both", {}, async (node) => {
  node.behave("case_names");
  match((await RawClient.ask(node.port, "/api/tags")).text, /"name":"LLAMA3:8B"/);
  match((await RawClient.ask(node.port, CHAT, { ...STREAM, model: "LLAMA3:8B" })).text, /"done":true/);
});

test("misbehaves only as often as it was told", {}, async (node) => {
  node.behave("error_500", { times: 2 });
  const statuses: (string | undefined)[] = [];
  for (let count = 0; count < 3; count++) {
    statuses.push((await RawClient.ask(node.port, CHAT, STREAM)).text.split(" ")[1]);
  }
  deepEqual(statuses, ["500", "500", "200"]);
  equal(node.mode, "ok");
});

test("misbehaves only towards checks, if told so", {}, async (node) => {
  node.behave("error_500", { on: "checks" });
  match((await RawClient.ask(node.port, "/api/tags")).text, /^HTTP\/1\.1 500 /);
  match((await RawClient.ask(node.port, CHAT, STREAM)).text, /^HTTP\/1\.1 200 /);
});

test("waits before the first token, when it plays slow_first_token", {}, async (node) => {
  node.behave("slow_first_token", { delayMs: 50 });
  const startedMs = performance.now();
  await RawClient.ask(node.port, CHAT, WHOLE);
  ok(performance.now() - startedMs >= 45);
});

for (const mode of ["hang", "half_open"] as const) {
  for (const [path, body] of [["/api/version", undefined], [CHAT, STREAM]] as const) {
    test(`takes connections and answers nothing at ${path} while it plays ${mode}`, {}, async (node) => {
      node.behave(mode);
      using client = await RawClient.connect(node.port);
      await client.send(path, body);
      await until(() => node.connectionCount === 1, "the connection");
      if (mode === "hang") await until(() => node.counts.get(path) === 1, "the request");
      equal(client.text, "");
      equal(node.counts.size, mode === "hang" ? 1 : 0);
      node.behave("ok");
      equal(await client.ended, "closed");
      match(client.text, /^HTTP\/1\.1 200 /);
    });
  }
}

test("freezes a stream under way, and goes on when it is let", LONG, async (node) => {
  using client = await RawClient.connect(node.port);
  await client.send(CHAT, STREAM);
  await until(() => client.text.includes("word1"), "two tokens");
  node.behave("hang_inference");
  match((await RawClient.ask(node.port, "/api/version")).text, /0\.33\.0/);
  doesNotMatch(client.text, /"done":true/);
  node.behave("ok");
  equal(await client.ended, "closed");
  match(client.text, /word499.*"done":true/s);
});

test("resets a stream under way, when it is told so meanwhile", LONG, async (node) => {
  using client = await RawClient.connect(node.port);
  await client.send(CHAT, STREAM);
  await until(() => client.text.includes("word4"), "five tokens");
  node.behave("reset_mid_stream");
  equal(await client.ended, "reset");
  doesNotMatch(client.text, /"done":true/);
});

test("sends without an end, when it plays endless_body, until its client leaves", {}, async (node) => {
  node.behave("endless_body");
  {
    using client = await RawClient.connect(node.port);
    await client.send(CHAT, STREAM);
    await until(() => client.text.length > 4 * 1024 * 1024, "four megabytes", { withinMs: 10_000 });
  }
  await until(() => node.inFlight === 0, "the end of its work");
  equal(node.abortedCount, 1);
});

test("stops working for a client that left, also for one that waits", {
  ...LONG,
  parallel: 1,
}, async (node) => {
  const [first, second] = [await RawClient.connect(node.port), await RawClient.connect(node.port)];
  await first.send(CHAT, STREAM);
  await until(() => node.inFlight === 1, "the first");
  await second.send(CHAT, WHOLE);
  await until(() => node.inFlight === 2, "the second");
  second[Symbol.dispose]();
  first[Symbol.dispose]();
  await until(() => node.inFlight === 0, "the end of both");
  deepEqual([node.abortedCount, node.servedCount, node.peakInFlight], [2, 0, 2]);
  await Promise.all([first.ended, second.ended]);
});

test("has at most as many answers at a time as it was given places", {
  parallel: 1,
  firstTokenMs: 20,
}, async (node) => {
  const startedMs = performance.now();
  const answers = await Promise.all([1, 2, 3].map(() => RawClient.ask(node.port, CHAT, WHOLE)));
  ok(performance.now() - startedMs >= 55);
  ok(answers.every(({ text }) => text.startsWith("HTTP/1.1 200 ")));
  equal(node.servedCount, 3);
});

test("drops idle models for another, and refuses one that never fits", {
  memoryBytes: 10,
  models: [
    { name: "a:1", residentBytes: 6 },
    { name: "b:1", residentBytes: 6 },
    { name: "huge:1", residentBytes: 11 },
  ],
}, async (node) => {
  const resident = async () => {
    const { models } = JSON.parse(split((await RawClient.ask(node.port, "/api/ps")).text)[1]);
    return models.map(({ name }: { name: string }) => name);
  };
  await RawClient.ask(node.port, CHAT, { ...WHOLE, model: "a:1" });
  deepEqual(await resident(), ["a:1"]);
  await RawClient.ask(node.port, CHAT, { ...WHOLE, model: "b:1" });
  deepEqual(await resident(), ["b:1"]);
  match(
    (await RawClient.ask(node.port, CHAT, { ...WHOLE, model: "huge:1" })).text,
    /requires more system memory/,
  );
  deepEqual(await resident(), ["b:1"]);
});

test(
  "is gone while it is stopped, and comes back empty on its port",
  { tokensPerSecond: 20 },
  async (node) => {
    const { port } = node;
    using client = await RawClient.connect(port);
    await client.send(CHAT, STREAM);
    await until(() => client.text.includes("word0"), "the first token");
    await node.stop();
    await client.ended;
    doesNotMatch(client.text, /"done":true/);
    await rejects(Deno.connect({ hostname: "127.0.0.1", port }), Deno.errors.ConnectionRefused);
    await node.startAgain();
    equal(node.port, port);
    match((await RawClient.ask(port, "/api/ps")).text, /\{"models":\[\]\}$/);
  },
);

test(
  "embeds a text alike wherever it stands, though its model does not tell that it can",
  {},
  async (node) => {
    const embed = async (input: string[]) => {
      const { text } = await RawClient.ask(node.port, "/v1/embeddings", { ...EMBED, input });
      return JSON.parse(split(text)[1]).data.map(({ embedding }: { embedding: number[] }) => embedding);
    };
    const [one, two] = await embed(["one", "two"]);
    deepEqual(one, fakeEmbedding("one"));
    deepEqual(await embed(["two", "one"]), [two, one]);
  },
);

test("remembers what it was asked", {}, async (node) => {
  await RawClient.ask(node.port, CHAT, STREAM);
  await RawClient.ask(node.port, "/api/tags");
  deepEqual(node.requests.map(({ method, path, model }) => [method, path, model]), [
    ["POST", CHAT, "llama3:8b"],
    ["GET", "/api/tags", undefined],
  ]);
  equal(node.requests[0]!.headers["host"], "localhost");
  deepEqual([...node.counts], [[CHAT, 1], ["/api/tags", 1]]);
  node.forget();
  deepEqual([node.requests.length, node.counts.size, node.servedCount], [0, 0, 0]);
});

test("holds another model from the moment that it is given one", {}, async (node) => {
  node.addModel({ name: "new:1b" });
  node.load("new:1b");
  match((await RawClient.ask(node.port, "/api/ps")).text, /"new:1b"/);
  node.removeModel("new:1b");
  doesNotMatch((await RawClient.ask(node.port, "/api/tags")).text, /new:1b/);
  match((await RawClient.ask(node.port, "/api/ps")).text, /\{"models":\[\]\}$/);
});

function split(text: string): [head: string, body: string] {
  const end = text.indexOf("\r\n\r\n");
  return [text.slice(0, end), text.slice(end + 4)];
}

/** Without the time, which differs from answer to answer. */
function normal(text: string): string {
  return text.replace(/Date: [^\r]*/, "");
}

function throwsOnParse(text: string): void {
  let isJson = true;
  try {
    JSON.parse(text);
  } catch {
    isJson = false;
  }
  equal(isJson, false, text);
}
