import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { BrokenAnswer } from "../../../lib/dialects/broken_answer.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { Vocabulary } from "../../../lib/gguf/vocabulary.ts";
import type { AnswerEvents } from "../../../lib/router/answer_stream.ts";
import { ResumedStream, type ResumeOptions } from "../../../lib/router/resumed_stream.ts";
import type { Successor } from "../../../lib/router/successor.ts";
import { FakeAnswerEvents, readAll, type Step } from "../../fakes/fake_answer_events.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const IDENTITY = { object: "chat.completion.chunk", id: "c1", created: 1, model: "m" };
const chat = (choice: Record<string, unknown>) =>
  `data: ${
    JSON.stringify({ choices: [{ finish_reason: null, index: 0, delta: {}, ...choice }], ...IDENTITY })
  }\n\n`;
const ROLE = chat({ delta: { role: "assistant", content: null } });
const token = (content: string) => chat({ delta: { content } });
const FINISH = chat({ finish_reason: "length" });
const DONE = "data: [DONE]\n\n";

const piece = (text: string) =>
  `data: {"choices":[{"text":"${text}","index":0,"finish_reason":null}],"id":"other"}\n\n`;
const LAST_PIECE =
  `data: {"choices":[{"text":"","index":0,"finish_reason":"length"}],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n`;

const BROKEN = new BrokenAnswer(new GatewayError("upstream_failed", "It died; ask again"), 99);

/** Tokens a, b, c and d have the ids 0 to 3. */
const VOCABULARY = Vocabulary.from({
  tokenizer: "gpt2",
  tokens: new Uint8Array([..."abcd"].flatMap((letter) => [1, 0, 0, 0, 0, 0, 0, 0, letter.charCodeAt(0)])),
  types: new Uint8Array([..."abcd"].flatMap(() => [1, 0, 0, 0])),
})!;

interface Sent {
  readonly target: string;
  readonly body: Record<string, unknown>;
}

/** A coordinator by script. */
class FakeSuccessor implements Successor {
  readonly death = new AbortController();
  readonly sent: Sent[] = [];
  readonly events: FakeAnswerEvents;
  isDisposed = false;

  constructor(
    steps: Step[],
    private readonly answers: Record<string, unknown> = {},
    private readonly refusal: GatewayError | undefined = undefined,
  ) {
    this.events = new FakeAnswerEvents(steps.map((step) => step ?? null));
  }

  get dead(): AbortSignal {
    return this.death.signal;
  }

  ask(target: string, body: Uint8Array): Promise<unknown> {
    const { body: fields } = this.#receive(target, body);
    const messages = fields["messages"] as { content: string }[];
    const usual: Record<string, unknown> = {
      "/apply-template": { prompt: `<user>${messages.map(({ content }) => content).join("<turn>")}` },
      "/v1/chat/completions/input_tokens": { input_tokens: 5 },
    };
    return Promise.resolve({ ...usual, ...this.answers }[target]);
  }

  open(target: string, body: Uint8Array): Promise<AnswerEvents> {
    this.#receive(target, body);
    if (!this.refusal) return Promise.resolve(this.events);
    if (this.refusal === BROKEN) this.death.abort();
    return Promise.reject(this.refusal);
  }

  [Symbol.dispose](): void {
    this.isDisposed = true;
  }

  #receive(target: string, body: Uint8Array): Sent {
    const sent = { target, body: JSON.parse(new TextDecoder().decode(body)) };
    this.sent.push(sent);
    return sent;
  }
}

interface Bed {
  readonly stream: ResumedStream;
  readonly first: FakeAnswerEvents;
  readonly death: AbortController;
  readonly clock: FakeClock;
  readonly breaks: (string | undefined)[];
  readonly ends: unknown[][];
}

function bed(
  steps: Step[],
  successors: FakeSuccessor[],
  { fields = {}, lives = false, ...options }: Partial<ResumeOptions> & {
    fields?: Record<string, unknown>;
    lives?: boolean;
  } = {},
): Bed {
  const body = { messages: [{ role: "user", content: "hi" }], stream: true, max_tokens: 4, ...fields };
  const [first, clock, death] = [new FakeAnswerEvents(steps), new FakeClock(), new AbortController()];
  const [breaks, ends]: [(string | undefined)[], unknown[][]] = [[], []];
  if (!lives) death.abort();
  const stream = new ResumedStream({
    body: new TextEncoder().encode(JSON.stringify(body)),
    first,
    dead: death.signal,
    acquire: () => {
      const successor = successors.shift();
      return successor
        ? Promise.resolve(successor)
        : Promise.reject(new GatewayError("no_capacity", "Nobody is left"));
    },
    readVocabulary: () => Promise.resolve(VOCABULARY),
    clock,
    commentEveryMs: 10_000,
    onBreak: (_error, _tokenCount, refusal) => breaks.push(refusal),
    onEnd: (...how) => ends.push(how),
    ...options,
  });
  return { stream, first, death, clock, breaks, ends };
}

Deno.test("a stream that nobody breaks passes untouched", async () => {
  const steps = [ROLE, token("a") + ": ping\n\n", "data: not even JSON\n\n", DONE];
  const { stream, breaks, ends } = bed(steps, []);
  deepEqual(await readAll(stream), { text: steps.join(""), error: undefined });
  deepEqual([breaks, ends], [[], [[undefined, 4]]]);
});

Deno.test("another coordinator goes on behind the last token, and the client reads one stream", async () => {
  const successor = new FakeSuccessor([piece("c"), piece("d") + LAST_PIECE, DONE]);
  const fields = { stream_options: { include_usage: true }, temperature: 0 };
  const { stream, breaks, ends } = bed([ROLE, token("a") + token("b"), BROKEN], [successor], { fields });
  deepEqual(await readAll(stream), {
    text: ROLE + token("a") + token("b") + token("c") + token("d") + FINISH +
      usageOf(5, 4) + DONE,
    error: undefined,
  });
  deepEqual(successor.sent.map(({ target }) => target), ["/apply-template", "/v1/completions"]);
  deepEqual(successor.sent[1]!.body, {
    stream: true,
    temperature: 0,
    prompt: ["<user>hi<turn>", 0, 1],
    max_tokens: 2,
  });
  deepEqual([breaks, ends, successor.isDisposed], [[undefined], [[undefined, 8]], true]);
});

function usageOf(promptTokens: number, completionTokens: number): string {
  const usage = {
    completion_tokens: completionTokens,
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
  };
  return `data: ${JSON.stringify({ choices: [], ...IDENTITY, usage })}\n\n`;
}

Deno.test("the same request is asked again where nothing had been generated, whatever it asks for", async () => {
  const other = ROLE.replace("c1", "c2") + token("a").replace("c1", "c2") + DONE;
  for (const head of [[], [ROLE]]) {
    const successor = new FakeSuccessor([other]);
    const { stream } = bed([...head, BROKEN], [successor], { fields: { tools: [{ type: "function" }] } });
    const { text, error } = await readAll(stream);
    equal(error, undefined);
    deepEqual(successor.sent.map(({ target }) => target), ["/v1/chat/completions"]);
    if (head.length === 0) equal(text, other);
    else {deepEqual([text.match(/"id":"c1"/g)!.length, text.includes("c2"), text.endsWith(DONE)], [
        2,
        false,
        true,
      ]);}
  }
});

Deno.test("a stream is continued again when its second coordinator dies, too", async () => {
  const second = new FakeSuccessor([piece("b"), BROKEN]);
  const third = new FakeSuccessor([piece("c"), LAST_PIECE, DONE]);
  second.death.abort();
  const { stream } = bed([ROLE, token("a"), BROKEN], [second, third]);
  const { text } = await readAll(stream);
  equal(text, ROLE + token("a") + token("b") + token("c") + FINISH + DONE);
  deepEqual(third.sent[1]!.body["prompt"], ["<user>hi<turn>", 0, 1]);
  deepEqual([second.isDisposed, third.isDisposed], [true, true]);
});

Deno.test("a stream that breaks when all was generated is only ended", async () => {
  for (const fields of [{}, { stream_options: { include_usage: true } }]) {
    const successor = new FakeSuccessor([]);
    const { stream } = bed([ROLE, ..."abcd".split("").map(token), BROKEN], [successor], { fields });
    const { text } = await readAll(stream);
    const usage = "stream_options" in fields ? usageOf(5, 4) : "";
    ok(text.endsWith(token("d") + FINISH + usage + DONE), text);
    equal(successor.sent.some(({ target }) => target === "/v1/completions"), false);
  }
  const { stream } = bed([ROLE, token("a"), FINISH, BROKEN], []);
  equal((await readAll(stream)).text, ROLE + token("a") + FINISH + DONE);
});

const refusals: { name: string; steps: Step[]; fields?: Record<string, unknown>; want: RegExp }[] = [
  { name: "reasoning", steps: [chat({ delta: { reasoning_content: "hm" } })], want: /holds reasoning/ },
  { name: "a tool call", steps: [chat({ delta: { tool_calls: [{}] } })], want: /calls a tool/ },
  { name: "a request with tools", steps: [token("a")], fields: { tools: [{}] }, want: /offers tools/ },
  { name: "a request for JSON", steps: [token("a")], fields: { grammar: "x" }, want: /wants a format/ },
];
for (const { name, steps, fields = {}, want } of refusals) {
  Deno.test(`${name} is not continued: the error tells what had been delivered`, async () => {
    const { stream, breaks, ends } = bed([...steps, BROKEN], [new FakeSuccessor([])], { fields });
    const { error } = await readAll(stream);
    equal((error as Error).message, "It died; ask again; 1 token had been delivered");
    match(breaks[0]!, want);
    deepEqual(ends, [[error, 1]]);
  });
}

Deno.test("what breaks while the coordinator lives is told as it is", async () => {
  const { stream, breaks } = bed([token("a"), BROKEN], [new FakeSuccessor([])], { lives: true });
  match(((await readAll(stream)).error as Error).message, /1 token had been delivered/);
  deepEqual(breaks, []);
});

const obstacles: {
  name: string;
  successors: FakeSuccessor[];
  options?: Partial<ResumeOptions>;
  want: RegExp;
}[] = [
  { name: "nobody takes over", successors: [], want: /could not be continued: Nobody is left/ },
  {
    name: "the other coordinator refuses",
    successors: [new FakeSuccessor([], {}, new GatewayError("upstream_failed", "It said 400"))],
    want: /could not be continued: It said 400/,
  },
  {
    name: "the template changes the text",
    successors: [new FakeSuccessor([], { "/apply-template": { prompt: "<user>hi<turn>A" } })],
    want: /template changes/,
  },
  {
    name: "the template is not told",
    successors: [new FakeSuccessor([], { "/apply-template": "what?" })],
    want: /do not understand/,
  },
  {
    name: "the vocabulary is of an unknown kind",
    successors: [new FakeSuccessor([])],
    options: { readVocabulary: () => Promise.resolve(undefined) },
    want: /not told by their text/,
  },
  {
    name: "the file is gone",
    successors: [new FakeSuccessor([])],
    options: { readVocabulary: () => Promise.reject(new GatewayError("model_not_found", "no such file")) },
    want: /no such file/,
  },
];
for (const { name, successors, options = {}, want } of obstacles) {
  Deno.test(`where ${name}, the stream ends with what broke it, and why it does not go on`, async () => {
    const taken = [...successors];
    const { stream } = bed([token("a"), BROKEN], successors, options);
    const { text, error } = await readAll(stream);
    equal(text, token("a"));
    ok(error instanceof BrokenAnswer);
    match(error.message, /^It died; ask again; it could not.*1 token had been delivered$/);
    match(error.message, want);
    equal(taken.every(({ isDisposed }) => isDisposed), true);
  });
}

Deno.test("a text with a token that is not in the vocabulary is not guessed at", async () => {
  const { stream } = bed([token("z"), BROKEN], [new FakeSuccessor([])]);
  match(((await readAll(stream)).error as Error).message, /not known by their text/);
});

Deno.test("an answer that kills every coordinator at the same place is given up", async () => {
  const dying = () => new FakeSuccessor([], {}, BROKEN);
  const successors = [dying(), dying(), dying()];
  const { stream, ends } = bed([token("a"), BROKEN], successors);
  match(((await readAll(stream)).error as Error).message, /could not be continued/);
  deepEqual([successors.length, ends.length], [2, 1]);
});

Deno.test("a stream that keeps breaking is given up in the end, however far it comes", async () => {
  const successors = Array.from({ length: 9 }, () => {
    const successor = new FakeSuccessor([piece("a"), BROKEN]);
    successor.death.abort();
    return successor;
  });
  const { stream, breaks } = bed([token("a"), BROKEN], successors, { fields: { max_tokens: 100 } });
  match(((await readAll(stream)).error as Error).message, /6 tokens had been delivered/);
  deepEqual([successors.length, breaks.length], [4, 6]);
  match(breaks.at(-1)!, /5 times/);
});

Deno.test("while a coordinator is waited for, comments tell that the stream lives", async () => {
  const coming = Promise.withResolvers<Successor>();
  const { stream, clock } = bed([token("a"), BROKEN], [], { acquire: () => coming.promise });
  await stream.read();
  const comment = stream.read();
  await settled();
  clock.advance(10_000);
  match(new TextDecoder().decode((await comment)!), /^: waiting for .*\n\n$/);
  coming.resolve(new FakeSuccessor([piece("b"), LAST_PIECE, DONE]));
  equal((await readAll(stream)).text, token("b") + FINISH + DONE);
});

Deno.test("a client that leaves while a coordinator is waited for gives it up, and one that still comes is given back", async () => {
  const coming = Promise.withResolvers<Successor>();
  let waited: AbortSignal | undefined;
  const { stream, ends } = bed([token("a"), BROKEN], [], {
    acquire: (signal) => {
      waited = signal;
      return coming.promise;
    },
  });
  await stream.read();
  const reading = stream.read();
  await settled();
  stream.cancel();
  equal(waited!.aborted, true);
  const late = new FakeSuccessor([piece("b")]);
  coming.resolve(late);
  await rejects(reading, { code: "client_closed" });
  deepEqual([late.isDisposed, ends.length], [true, 1]);
});

Deno.test("a client that leaves cancels whoever answers", async () => {
  const before = bed([token("a"), "silence"], []);
  await before.stream.read();
  before.stream.cancel();
  equal(before.first.isCancelled, true);
  const successor = new FakeSuccessor([piece("b"), "silence"]);
  const after = bed([token("a"), BROKEN], [successor]);
  await after.stream.read();
  await after.stream.read();
  after.stream.cancel();
  deepEqual([successor.events.isCancelled, successor.isDisposed, after.ends.length], [true, true, 1]);
});

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
