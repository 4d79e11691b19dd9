import { deepEqual, equal, match, ok } from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { type CompatBed, MODELS } from "./compat_bed.ts";
import {
  type ClientAnswer,
  type CompatClient,
  type Feature,
  type Question,
  WEATHER,
} from "./compat_client.ts";

/** Shows one feature of one client on one bed. */
export type CompatCase = (client: CompatClient, bed: CompatBed) => Promise<void>;

/** What each client gets, whatever serves it. */
export const CASES: Readonly<Record<Feature, CompatCase>> = {
  async list(client, { kind }) {
    const names = (await offered(client.list)()).map((name) => name.replace(/:latest$/, ""));
    const expected = Object.values(MODELS).filter((name) => kind === "node" || name !== MODELS.vision);
    deepEqual(names.sort(), expected.sort());
  },

  async chat(client) {
    isAnswer(await client.chat(ask({})));
  },

  async stream(client) {
    const answer = await client.stream(ask({}));
    isAnswer(answer);
    ok(answer.pieceCount > 1, `it came in ${answer.pieceCount} piece`);
  },

  async tools(client, { understands }) {
    const { calls, text } = await offered(client.tools)(ask({ maxTokens: 16 }), "mostly sunny");
    deepEqual(calls, [THE_CALL]);
    if (understands) match(text, /mostly sunny/);
    else match(text, WORDS);
  },

  async "streamed tools"(client) {
    deepEqual(await offered(client.streamedTools)(ask({})), [THE_CALL]);
  },

  async "structured output"(client) {
    const { city, isSunny, ...more } = await offered(client.structured)(ask({})) as Record<string, unknown>;
    deepEqual([city, typeof isSunny, more], ["Paris", "boolean", {}]);
  },

  async thinking(client, { thoughts }) {
    const { thinking, ...answer } = await offered(client.think)(
      ask({ model: MODELS.thinking, maxTokens: 12 }),
    );
    equal(thinking.trim(), thoughts);
    match(answer.text, WORDS);
    ok(!answer.text.includes(thoughts), answer.text);
  },

  async image(client) {
    const { text } = await offered(client.see)(ask({ model: MODELS.vision, maxTokens: 16 }), PNG);
    match(text, new RegExp(`1 image.* ${PNG.byteLength} bytes`));
  },

  async embeddings(client) {
    const vectors = await offered(client.embed)(MODELS.embedding, ["the sea", "a hill", "the sea"]);
    equal(vectors.length, 3);
    ok(vectors.every((vector) => Math.abs(Math.hypot(...vector) - 1) < 1e-3), "they are unit vectors");
    ok(distance(vectors[0]!, vectors[2]!) < 1e-3, "one text has one vector");
    ok(distance(vectors[0]!, vectors[1]!) > 1e-3, "another has another");
  },

  async abort(client, bed) {
    await client.abort(ask({ maxTokens: ENDLESS }));
    await eventually("the upstream stops", async () => await bed.workCount() === 0, 2_000);
    isAnswer(await client.chat(ask({})));
  },

  async "unknown model"(client) {
    const error = await client.chat(ask({ model: "calller" })).then(() => undefined, (error) => error);
    const { isOwn, status, message } = client.readFailure(error ?? new Error("it was answered"));
    ok(isOwn, message);
    equal(status, 404);
    match(message, /calller/);
  },
};

/** What a client offers; the caller has looked whether it does. */
function offered<F>(method: F | string): F {
  if (typeof method === "string") throw new TypeError(method);
  return method;
}

const TOKEN_COUNT = 8;
/** More than any upstream says within the time that it has for stopping; fits into the context. */
const ENDLESS = 8_000;
const THE_CALL = { name: WEATHER.name, arguments: { city: "Paris" } };
const WORDS = /[a-z]{2,}/;
/** One transparent pixel. */
const PNG = Uint8Array.fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
);

function ask(more: Partial<Question>): Question {
  return { model: MODELS.tools, prompt: "Tell me of the weather", maxTokens: TOKEN_COUNT, ...more };
}

function isAnswer({ text, tokenCount }: ClientAnswer): void {
  match(text, WORDS);
  equal(tokenCount, TOKEN_COUNT);
}

function distance(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.map((number, index) => number - b[index]!));
}
