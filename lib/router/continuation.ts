import * as z from "zod";
import type { ChatChunk } from "../dialects/openai_chunk.ts";
import {
  type ContinuedEvents,
  ContinuedText,
  lastEvents,
  RepeatedChat,
} from "../dialects/openai_continued.ts";
import type { DeliveredAnswer } from "../dialects/openai_delivered.ts";
import { continuation, prefilledChat, type ResumableRequest } from "../dialects/openai_resume.ts";
import { GatewayError } from "../errors.ts";
import type { Vocabulary } from "../gguf/vocabulary.ts";
import type { AnswerEvents } from "./answer_stream.ts";
import type { Successor } from "./successor.ts";

/** A broken answer that can go on. */
export interface BrokenChat {
  /** The client's request as it was sent. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** What of it matters here, or why its text could not be continued. */
  readonly request: ResumableRequest | string;
  /** What the client has got. */
  readonly delivered: DeliveredAnswer;
}

/** How an answer goes on. */
export interface Continuation {
  /** The other upstream's events, or our own. */
  readonly events: AnswerEvents;
  /** Makes of them what the client is to get; `undefined`: they are that already. */
  readonly continued?: ContinuedEvents;
}

/** Why an answer cannot go on, in words that follow "it cannot be continued:"; `undefined` if it can. */
export function whyNotContinued({ request, delivered }: BrokenChat): string | undefined {
  if (!delivered.isBegun) return undefined;
  if (typeof request === "string") return `its request ${request}`;
  return delivered.obstacle && `the answer ${delivered.obstacle}`;
}

/** What is left to say where nothing needs to be computed any more; `undefined` if something does. */
export function finished({ request, delivered }: BrokenChat): Continuation | undefined {
  const { head, finishReason } = delivered;
  if (typeof request === "string" || !head || (request.hasUsage && !delivered.hasUsage)) return undefined;
  if (finishReason !== undefined) return { events: given(lastEvents({ head, finishReason: undefined })) };
  // No piece is less than a token.
  const isFull = request.maxTokens !== undefined && delivered.pieces.length >= request.maxTokens;
  return isFull ? { events: given(lastEvents({ head, finishReason: "length" })) } : undefined;
}

/**
 * Goes on with an answer that {@linkcode whyNotContinued} does not exclude.
 *
 * Nothing generated was delivered: the request is asked again as it is. Otherwise the other coordinator gets the prompt
 * that it would make of the chat so far, and behind it the very tokens that the client has: a tokenizer would make others
 * of the same text, and the model would go on otherwise.
 *
 * @param readVocabulary Called at most once.
 * @throws {GatewayError} If it cannot be continued there.
 */
export async function continueOn(
  successor: Successor,
  chat: BrokenChat,
  readVocabulary: () => Promise<Vocabulary | undefined>,
): Promise<Continuation> {
  const { body, request, delivered } = chat;
  const { head } = delivered;
  if (!delivered.isBegun || typeof request === "string" || !head) {
    const events = await successor.open("/v1/chat/completions", body);
    return { events, ...(head && { continued: new RepeatedChat(head) }) };
  }
  const vocabulary = await readVocabulary();
  if (!vocabulary) throw impossible("the tokens of its model are not told by their text");
  const ids = tokenIdsOf(delivered.pieces, vocabulary);
  const leftTokens = request.maxTokens === undefined ? undefined : request.maxTokens - ids.length;
  if (delivered.finishReason !== undefined || (leftTokens ?? 1) <= 0) {
    return await lastWords(successor, chat, request, head, ids.length);
  }
  const prompt = await promptOf(successor, request, delivered.text);
  const events = await successor.open("/v1/completions", continuation(request, prompt, ids, leftTokens));
  const { hasUsage } = request;
  return { events, continued: new ContinuedText({ head, tokenCount: ids.length, hasUsage }) };
}

async function lastWords(
  successor: Successor,
  { body, delivered }: BrokenChat,
  { hasUsage }: ResumableRequest,
  head: ChatChunk,
  completionTokens: number,
): Promise<Continuation> {
  const finishReason = delivered.finishReason === undefined ? "length" : undefined;
  if (!hasUsage) return { events: given(lastEvents({ head, finishReason })) };
  const counted = await successor.ask("/v1/chat/completions/input_tokens", body);
  const { input_tokens: promptTokens } = understood(inputTokens, counted);
  return { events: given(lastEvents({ head, finishReason, usage: { promptTokens, completionTokens } })) };
}

/** All that stands before the text: whatever the template puts there for an answer that has begun. */
async function promptOf(successor: Successor, request: ResumableRequest, text: string): Promise<string> {
  const templated = await successor.ask("/apply-template", prefilledChat(request, text));
  const { prompt } = understood(appliedTemplate, templated);
  if (!prompt.endsWith(text)) throw impossible("the model's template changes what was said before");
  return prompt.slice(0, prompt.length - text.length);
}

function tokenIdsOf(pieces: readonly string[], vocabulary: Vocabulary): readonly number[] {
  return pieces.flatMap((piece) => {
    const ids = vocabulary.idsOf(piece);
    if (!ids) throw impossible("some of its tokens are not known by their text");
    return ids;
  });
}

const inputTokens = z.object({ input_tokens: z.int().min(0) });
const appliedTemplate = z.object({ prompt: z.string() });

function understood<T>(shape: z.ZodType<T>, value: unknown): T {
  const { success, data } = shape.safeParse(value);
  if (!success) throw impossible("its coordinator says what we do not understand");
  return data;
}

function impossible(because: string): GatewayError {
  return new GatewayError("upstream_failed", because);
}

/** Events that are there. */
function given(events: Uint8Array<ArrayBuffer>): AnswerEvents {
  let left: Uint8Array<ArrayBuffer> | null = events;
  const take = () => {
    const taken = left;
    left = null;
    return taken;
  };
  return { read: () => Promise.resolve(take()), cancel: () => void take() };
}
