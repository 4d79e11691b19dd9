import { joinBytes } from "../join_bytes.ts";
import { encodeSseEvent } from "../stream/sse_event.ts";
import { SseReader } from "../stream/sse_reader.ts";
import type { AnswerTimes, StreamTranslator } from "./exchange.ts";
import {
  begunResponse,
  endedResponse,
  fieldsIn,
  itemId,
  type ResponseFields,
  type ResponseTerms,
} from "./responses_answer.ts";
import { responsesErrorEvent } from "./responses_dialect.ts";
import { readUpstreamError } from "./upstream_error.ts";

/**
 * Completes a stream of llama-server's `/v1/responses` as OpenAI's clients read it: each event gets its number and place, and
 * what is missing is added. All that tells that something is done comes at the end there; it is told anew from the response
 * which ends the stream, since only that shows whether the answer was cut.
 *
 * @see `to_json_oaicompat_resp_stream` in tools/server/server-task.cpp of llama.cpp, b11669
 */
export class ResponsesEvents implements StreamTranslator {
  readonly #reader = new SseReader();
  readonly #createdAt: number;
  readonly #now: () => number;
  /** Where each item stands in the output, by its id. */
  readonly #places = new Map<unknown, number>();
  #sequenceNumber = 0;

  /** Begins before the first event. */
  constructor(private readonly terms: ResponseTerms, times: AnswerTimes) {
    this.#now = () => Math.floor(times.now() / 1_000);
    this.#createdAt = this.#now();
  }

  push(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const events = this.#reader.push(bytes);
    if (events.length === 0) return bytes.slice(); // comments keep a stream alive
    return joinBytes(events.flatMap(({ data }) => this.#completed(fieldsIn(JSON.parse(data)))));
  }

  end(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(0);
  }

  #completed(said: ResponseFields): readonly Uint8Array[] {
    if (said["error"] !== undefined) return [this.#failed(said)];
    const { type, response, item } = said;
    if (typeof type !== "string") throw new SyntaxError("An event of a response has no type");
    if (type === "response.completed") return this.#ended(said, fieldsIn(response));
    if (type.endsWith(".done") || type === "response.content_part.added") return []; // told in its place
    if (type === "response.output_item.added") return this.#added(fieldsIn(item));
    if (response !== undefined) {
      const begun = begunResponse(fieldsIn(response), this.terms, this.#createdAt);
      return [this.#event(type, { ...said, response: begun })];
    }
    return [this.#event(type, { ...said, ...this.#placeIn(type, said["item_id"]) })];
  }

  #placeIn(type: string, item_id: unknown): ResponseFields {
    if (item_id === undefined) return {};
    const place = { output_index: this.#places.get(item_id) ?? 0 };
    if (type === "response.function_call_arguments.delta") return place;
    return { ...place, content_index: 0, ...(type === "response.output_text.delta" && { logprobs: [] }) };
  }

  /** An item begins, and its only part with it. */
  #added(begun: ResponseFields): readonly Uint8Array[] {
    const id = itemId(begun);
    const output_index = this.#places.size;
    this.#places.set(id, output_index);
    const { encrypted_content: _, ...rest } = begun;
    const item = { ...rest, id, status: "in_progress" };
    const added = this.#event("response.output_item.added", { item, output_index });
    const part = EMPTY_PARTS[String(begun["type"])];
    if (!part) return [added];
    return [
      added,
      this.#event("response.content_part.added", { item_id: id, output_index, content_index: 0, part }),
    ];
  }

  #ended(said: ResponseFields, response: ResponseFields): readonly Uint8Array[] {
    const times = { created_at: this.#createdAt, completed_at: this.#now() };
    const ended = endedResponse({ ...response, ...times }, this.terms);
    const items = ended.output.flatMap((item) => this.#done(item));
    const output = ended.output.toSorted((one, other) => this.#indexOf(one) - this.#indexOf(other));
    return [...items, this.#event(`response.${ended.status}`, { ...said, response: { ...ended, output } })];
  }

  #done(item: ResponseFields): readonly Uint8Array[] {
    const begun = this.#places.has(item["id"])
      ? []
      : this.#added({ ...item, ...EMPTIED[String(item["type"])] });
    const place = { item_id: item["id"], output_index: this.#indexOf(item) };
    const parts = Array.isArray(item["content"]) ? item["content"].map(fieldsIn) : [];
    const told = item["type"] === "function_call"
      ? [this.#event(ARGUMENTS_DONE, { ...place, name: item["name"], arguments: item["arguments"] })]
      : parts.flatMap((part, content_index) => this.#partDone(part, { ...place, content_index }));
    const done = { item, output_index: place.output_index };
    return [...begun, ...told, this.#event("response.output_item.done", done)];
  }

  #partDone(part: ResponseFields, place: ResponseFields): readonly Uint8Array[] {
    const { type, text, logprobs = [] } = part;
    const words = type === "output_text" ? { text, logprobs } : { text };
    return [
      this.#event(`response.${type}.done`, { ...place, ...words }),
      this.#event("response.content_part.done", { ...place, part }),
    ];
  }

  #indexOf(item: ResponseFields): number {
    return this.#places.get(item["id"]) ?? 0;
  }

  #failed(said: ResponseFields): Uint8Array<ArrayBuffer> {
    const { error, message } = readUpstreamError(JSON.stringify(said));
    const sentence = message || "The answer broke off, and the upstream did not say why; ask again";
    return responsesErrorEvent({ ...error, message: sentence }, this.#sequenceNumber++);
  }

  #event(type: string, said: ResponseFields): Uint8Array {
    const data = JSON.stringify({ ...said, type, sequence_number: this.#sequenceNumber++ });
    return encodeSseEvent({ type, data });
  }
}

const ARGUMENTS_DONE = "response.function_call_arguments.done";

const EMPTY_PARTS: Readonly<Record<string, ResponseFields>> = {
  message: { type: "output_text", text: "", annotations: [], logprobs: [] },
  reasoning: { type: "reasoning_text", text: "" },
};

/** What an item has not yet where it begins. */
const EMPTIED: Readonly<Record<string, ResponseFields>> = {
  message: { content: [] },
  reasoning: { content: [] },
  function_call: { arguments: "" },
};
