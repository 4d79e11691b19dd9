import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import OpenAI from "openai";
import type { Response as WholeResponse, ResponseStreamEvent } from "openai/resources/responses/responses";
import { endedResponse, type ResponseTerms, responseTerms } from "../../../lib/dialects/responses_answer.ts";
import { ResponsesEvents } from "../../../lib/dialects/responses_events.ts";
import { decodeResponsesEnvelope } from "../../../lib/dialects/responses_request.ts";
import { joinBytes } from "../../../lib/join_bytes.ts";
import { SseWatch } from "../../../lib/stream/sse.ts";
import { SseReader } from "../../../lib/stream/sse_reader.ts";
import { servedModel } from "../../fixtures/served_model.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const TIMES = { now: () => 1_700_000_000_500, elapsedMs: () => 0, loadMs: 0 };

/** What was asked: the model in the client's words, and the limit. */
function termsOf(maxOutputTokens: number | undefined, more: object = {}): ResponseTerms {
  const body = { model: "My:Alias", input: "hello", max_output_tokens: maxOutputTokens, ...more };
  const upstream = { kind: "llama-server", modelName: "tiny", model: undefined, ask: () => Promise.reject() };
  return responseTerms(decodeResponsesEnvelope(encode(JSON.stringify(body))), upstream as never);
}

function recorded(name: string): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(new URL(`../../fixtures/llama_server_responses/${name}`, import.meta.url));
}

function completed(
  stream: Uint8Array,
  terms: ResponseTerms,
  pieceBytes = stream.byteLength,
): Uint8Array<ArrayBuffer> {
  const [watch, events] = [new SseWatch(), new ResponsesEvents(terms, TIMES)];
  const told: Uint8Array[] = [];
  for (let at = 0; at < stream.byteLength; at += pieceBytes) {
    const whole = watch.push(stream.subarray(at, at + pieceBytes));
    if (whole.byteLength > 0) told.push(events.push(whole));
  }
  return joinBytes([...told, events.end()]);
}

function eventsIn(stream: Uint8Array): ResponseStreamEvent[] {
  return new SseReader().push(stream).map(({ type, data }) => {
    const event = JSON.parse(data);
    equal(event.type, type);
    return event;
  });
}

/** As the official client puts the stream together. */
function readByClient(stream: Uint8Array<ArrayBuffer>) {
  const headers = { "content-type": "text/event-stream" };
  const fetch = () => Promise.resolve(new Response(stream, { headers }));
  const client = new OpenAI({ baseURL: "http://unused.invalid", apiKey: "none", maxRetries: 0, fetch });
  return client.responses.stream({ model: "My:Alias", input: "hello" }).finalResponse();
}

/** The keys that a type demands; a key that is not told below does not compile. */
type Demanded<T> = { readonly [K in keyof T as undefined extends T[K] ? never : K]: true };
type Told = `response.${
  | "created"
  | "in_progress"
  | "output_item.added"
  | "output_item.done"
  | "content_part.added"
  | "content_part.done"
  | "output_text.delta"
  | "output_text.done"
  | "reasoning_text.delta"
  | "reasoning_text.done"
  | "function_call_arguments.delta"
  | "function_call_arguments.done"
  | "completed"
  | "incomplete"}`;

const EVENT = { type: true, sequence_number: true } as const;
const WHOLE = { ...EVENT, response: true } as const;
const ITEM = { ...EVENT, item: true, output_index: true } as const;
const PLACED = { ...EVENT, item_id: true, output_index: true } as const;
const PART = { ...PLACED, content_index: true } as const;
const FIELDS: { readonly [T in Told]: Demanded<Extract<ResponseStreamEvent, { type: T }>> } = {
  "response.created": WHOLE,
  "response.in_progress": WHOLE,
  "response.output_item.added": ITEM,
  "response.output_item.done": ITEM,
  "response.content_part.added": { ...PART, part: true },
  "response.content_part.done": { ...PART, part: true },
  "response.output_text.delta": { ...PART, delta: true, logprobs: true },
  "response.output_text.done": { ...PART, text: true, logprobs: true },
  "response.reasoning_text.delta": { ...PART, delta: true },
  "response.reasoning_text.done": { ...PART, text: true },
  "response.function_call_arguments.delta": { ...PLACED, delta: true },
  "response.function_call_arguments.done": { ...PLACED, arguments: true },
  "response.completed": WHOLE,
  "response.incomplete": WHOLE,
};
/** Of them `output_text` is made by the client itself. */
const RESPONSE: Omit<Demanded<WholeResponse>, "output_text"> = {
  id: true,
  access_programs: true,
  created_at: true,
  error: true,
  incomplete_details: true,
  instructions: true,
  metadata: true,
  model: true,
  object: true,
  output: true,
  parallel_tool_calls: true,
  temperature: true,
  tool_choice: true,
  tools: true,
  top_p: true,
};

function assertHas(value: object, fields: object): void {
  const missing = Object.keys(fields).filter((field) =>
    (value as Record<string, unknown>)[field] === undefined
  );
  deepEqual(missing, [], JSON.stringify(value));
}

const ANSWERS = [
  { name: "text", limit: undefined, status: "completed", kinds: ["message"], text: 'Grüß "dich",\n日本' },
  {
    name: "length",
    limit: 6,
    status: "incomplete",
    kinds: ["message"],
    text: " if end any number this when",
  },
  {
    name: "reasoning",
    limit: 9,
    status: "incomplete",
    kinds: ["reasoning", "message"],
    text: " here man have water say been",
  },
  { name: "reasoning_cut", limit: 3, status: "incomplete", kinds: ["reasoning"], text: "" },
  { name: "tool_call", limit: 200, status: "completed", kinds: ["function_call"], text: "" },
  { name: "tool_call_at_limit", limit: 4, status: "completed", kinds: ["function_call"], text: "" },
] as const;

for (const { name, limit, status, kinds, text } of ANSWERS) {
  const terms = termsOf(limit);

  Deno.test(`the client of npm puts together the completed stream of ${name}`, async () => {
    const response = await readByClient(completed(recorded(`${name}.sse`), terms));
    deepEqual([response.status, response.output_text, response.model], [status, text, "My:Alias"]);
    deepEqual(response.output.map(({ type }) => type), kinds);
    deepEqual(response.output.map((item) => "status" in item && item.status), [
      ...kinds.slice(1).map(() => "completed"),
      status,
    ]);
  });

  Deno.test(`each event of ${name} has its number, its place and all that its type demands`, () => {
    const events = eventsIn(completed(recorded(`${name}.sse`), terms));
    deepEqual(events.map(({ sequence_number }) => sequence_number), events.map((_, index) => index));
    for (const event of events) {
      assertHas(event, FIELDS[event.type as Told]);
      if ("response" in event) assertHas(event.response, RESPONSE);
    }
    deepEqual(events.slice(0, 2).map(({ type }) => type), ["response.created", "response.in_progress"]);
    const last = events.at(-1)!;
    ok("response" in last);
    equal(last.type, `response.${status}`);
    const items = (type: string) => events.filter((event) => event.type === type);
    deepEqual(
      items("response.output_item.done").map((event) => "item" in event && event.item),
      last.response.output,
    );
    equal(items("response.output_item.added").length, kinds.length);
  });

  Deno.test(`what ${name} says piece by piece is what it says at the end`, () => {
    const events = eventsIn(completed(recorded(`${name}.sse`), terms));
    const said = new Map<string, string>();
    for (const event of events) {
      if ("delta" in event && "item_id" in event) {
        said.set(event.item_id, (said.get(event.item_id) ?? "") + event.delta);
      }
      if (event.type === "response.output_text.done" || event.type === "response.reasoning_text.done") {
        equal(event.text, said.get(event.item_id));
      }
      if (event.type === "response.function_call_arguments.done") {
        equal(event.arguments, said.get(event.item_id));
      }
    }
    equal(said.size, kinds.length);
  });

  Deno.test(`the stream of ${name} is completed alike however it is cut`, () => {
    const stream = recorded(`${name}.sse`);
    const whole = decode(completed(stream, terms));
    for (const pieceBytes of [1, 2, 3, 7, 100, 1_000]) {
      equal(decode(completed(stream, terms, pieceBytes)), whole, `pieces of ${pieceBytes}`);
    }
  });

  Deno.test(`the whole answer of ${name} has all that its type demands, too`, () => {
    const response = endedResponse(JSON.parse(decode(recorded(`${name}.json`))), terms);
    assertHas(response, RESPONSE);
    deepEqual([response.status, response["model"]], [status, "My:Alias"]);
    deepEqual(
      response["incomplete_details"],
      status === "completed" ? null : { reason: "max_output_tokens" },
    );
    deepEqual(response.output.map(({ type }) => type), kinds);
    ok(response.output.every((item) => !("encrypted_content" in item)));
    const usage = response["usage"] as WholeResponse["usage"];
    equal(usage?.output_tokens_details.reasoning_tokens, 0);
    equal(usage?.input_tokens_details.cache_write_tokens, 0);
    ok(Number.isInteger(usage?.input_tokens_details.cached_tokens));
  });
}

Deno.test("an error that ends a stream has the form and the number that clients expect", async () => {
  const stream = completed(recorded("error.sse"), termsOf(6));
  const events = eventsIn(stream);
  deepEqual(events.at(-1), {
    type: "error",
    code: "server_error",
    message: "Compute error.",
    param: null,
    sequence_number: events.length - 1,
  });
  await rejects(readByClient(stream), /Compute error\./);
});

const CUT = [
  { name: "which may say as much as it wants", terms: termsOf(undefined), status: "completed" },
  { name: "whose limit is far", terms: termsOf(7), status: "completed" },
  { name: "whose limit is reached", terms: termsOf(6), status: "incomplete" },
  { name: "that was not to be limited", terms: termsOf(-1), status: "completed" },
  { name: "that fills the context", terms: { ...termsOf(undefined), contextSize: 31 }, status: "incomplete" },
] as const;
for (const { name, terms, status } of CUT) {
  Deno.test(`an answer of 6 tokens after 25 ${name} is ${status}`, () => {
    equal(endedResponse(JSON.parse(decode(recorded("length.json"))), terms).status, status);
  });
}

Deno.test("a call that was cut inside of its arguments is incomplete", () => {
  const said = JSON.parse(decode(recorded("tool_call_at_limit.json")));
  said.output[0].arguments = `{"city":"Pa`;
  const { status, output } = endedResponse(said, termsOf(4));
  deepEqual([status, output[0]!["status"]], ["incomplete", "incomplete"]);
});

Deno.test("the limits of a model that a coordinator of ours serves are those that are stored with it", () => {
  const envelope = (more: string) => decodeResponsesEnvelope(encode(`{"input":"x"${more}}`));
  const model = servedModel({ name: "m:1b", contextSize: 512, params: { num_predict: 9 } });
  const facts = { kind: "llama-server", modelName: undefined, model, ask: () => Promise.reject() } as const;
  const { settings: _, ...terms } = responseTerms(envelope(""), facts);
  deepEqual(terms, { model: "m:1b", outputLimit: 9, contextSize: 512 });
  equal(responseTerms(envelope(`,"max_output_tokens":3`), facts).outputLimit, 3);
});

Deno.test("an answer repeats what its request says", () => {
  const said = {
    instructions: "Be brief.",
    max_output_tokens: 5,
    metadata: { a: "b" },
    parallel_tool_calls: false,
    reasoning: { effort: "low" },
    temperature: 0.5,
    text: { format: { type: "json_object" } },
    tool_choice: "required",
    tools: [{ type: "function", name: "f", parameters: { type: "object" }, strict: true }],
    top_p: 0.9,
  };
  const { settings } = termsOf(5, said);
  deepEqual(Object.fromEntries(Object.keys(said).map((key) => [key, settings[key]])), said);
  deepEqual([settings["store"], settings["input"]], [false, undefined]);
});

Deno.test("comments pass, and an item that is only told at the end begins there", () => {
  const events = new ResponsesEvents(termsOf(undefined), TIMES);
  equal(decode(events.push(encode(": ping\n\n"))), ": ping\n\n");
  const call = { type: "function_call", call_id: "c1", name: "f", arguments: "{}" };
  const end = JSON.stringify({
    type: "response.completed",
    response: { id: "r", output: [call], usage: null },
  });
  const told = eventsIn(events.push(encode(`event: response.completed\ndata: ${end}\n\n`)));
  deepEqual(told.map(({ type }) => type), [
    "response.output_item.added",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "response.completed",
  ]);
  const [added] = told;
  ok(added?.type === "response.output_item.added" && added.item.type === "function_call");
  deepEqual([added.item.id, added.item.arguments, added.item.status], ["c1", "", "in_progress"]);
});

for (
  const data of [
    `null`,
    `[]`,
    `{}`,
    `{"type":5}`,
    `{"type":"response.created","response":null}`,
    `{"type":"response.output_item.added"}`,
    `{"type":"response.completed","response":{}}`,
    `{"type":"response.completed","response":{"output":[null]}}`,
    `{"type":`,
  ]
) {
  Deno.test(`an event that is none of a response is not understood: ${data}`, () => {
    throws(() => new ResponsesEvents(termsOf(6), TIMES).push(encode(`data: ${data}\n\n`)), SyntaxError);
  });
}
