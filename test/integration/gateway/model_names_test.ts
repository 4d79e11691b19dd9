import { deepEqual, equal, ok } from "node:assert/strict";
import type { FakeLlamaServer } from "../../fakes/fake_llama_server.ts";
import { NamedLlamaServer, TRAP } from "../../fakes/named_llama_server.ts";
import { servedModel } from "../../fixtures/served_model.ts";
import { FakeCoordinator } from "./gateway_bed.ts";
import { NodeRouteBed } from "./node_route_bed.ts";

/** How a client may call a model; the first word of each is its name. */
const WORDS = {
  node: ["llama3:8b", "LLAMA3:8b", "nick", `od"d\\é`],
  coordinator: ["fake:latest", "fake", "FAKE", "handle", `h"a\\é`],
} as const;
const CONFIG = String
  .raw`aliases: { nick: "llama3:8b", "od\"d\\é": "llama3:8b", handle: fake, "h\"a\\é": fake }`;

type UpstreamKind = keyof typeof WORDS;

interface Row {
  readonly path: string;
  readonly body: object;
  /** The ways in which it can be answered; default: both. */
  readonly streams?: readonly boolean[];
  readonly only?: UpstreamKind;
}

const MESSAGES = [{ role: "user", content: "hi" }];
const ROWS: readonly Row[] = [
  { path: "/api/chat", body: { messages: MESSAGES } },
  { path: "/api/chat", body: {}, streams: [false] },
  { path: "/api/generate", body: { prompt: "hi" } },
  { path: "/api/generate", body: {}, streams: [false] },
  { path: "/api/embed", body: { input: ["hi"] }, streams: [false] },
  { path: "/v1/chat/completions", body: { messages: MESSAGES } },
  { path: "/v1/completions", body: { prompt: "hi" } },
  { path: "/v1/embeddings", body: { input: ["hi"] }, streams: [false] },
  { path: "/v1/embeddings", body: { input: ["hi"], dimensions: 1 }, streams: [false] },
  { path: "/v1/responses", body: { input: "hi" } },
  { path: "/v1/messages", body: { max_tokens: 9, messages: MESSAGES } },
  { path: "/v1/rerank", body: { query: "hi", documents: ["a"] }, streams: [false], only: "coordinator" },
];

/** One model for all that is asked below. */
class AbleCoordinator extends FakeCoordinator {
  override readonly served = servedModel({
    name: "fake",
    capabilities: new Set(["completion", "embedding"]),
  });
}

async function openBed() {
  await using opening = new AsyncDisposableStack();
  const llama = opening.use(new NamedLlamaServer("fake"));
  const bed = opening.use(
    await NodeRouteBed.open([{ models: [{ name: WORDS.node[0] }], answer: TRAP }], {
      models: ["fake"],
      config: CONFIG,
      start: ({ key }) => Promise.resolve(new AbleCoordinator(key, llama as unknown as FakeLlamaServer)),
    }),
  );
  const owned = opening.move();
  return { bed, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The JSON in an answer, whatever frames it. */
function valuesIn(text: string): unknown[] {
  const lines = text.split("\n").map((line) => line.replace(/^data: /, ""));
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

/** What is told as the name of a model, anywhere. */
function namesIn(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => key === "model" ? [inner] : namesIn(inner));
}

/** All but names, ids and figures, which differ by themselves. */
function restOf(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner) => {
    if (key === "model" || /(?:^|_)(?:id|at)$/.test(key)) return null;
    return typeof inner === "number" ? 0 : inner;
  }));
}

for (const kind of Object.keys(WORDS) as UpstreamKind[]) {
  Deno.test(`a client of a ${kind} reads its own word for a model, and everything else as it is`, async () => {
    await using opened = await openBed();
    const { bed } = opened;
    for (const { path, body, streams = [true, false], only = kind } of ROWS) {
      if (only !== kind) continue;
      for (const stream of streams) {
        let usual: unknown;
        for (const word of WORDS[kind]) {
          const response = await bed.post(path, { model: word, stream, ...body });
          const text = await response.text();
          const what = `${path}, ${stream ? "streamed" : "whole"}, ${word}: ${text}`;
          equal(response.status, 200, what);
          const values = valuesIn(text);
          const names = values.flatMap(namesIn);
          ok(names.length > 0, what);
          deepEqual([...new Set(names)], [word], what);
          usual ??= restOf(values);
          deepEqual(restOf(values), usual, what);
        }
      }
    }
  });
}
