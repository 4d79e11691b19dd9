import type * as z from "zod";
import type { DialectName } from "../../dialects/client_dialect.ts";
import type { ErrorCode } from "../../errors.ts";
import type { AnswerHeader } from "./gateway_headers.ts";

/** The groups of operations, in the order in which people read them. */
export const TAGS = {
  OpenAI: "What OpenAI's SDKs speak: chat, completions, embeddings, responses, models.",
  Anthropic: "What Anthropic's SDKs speak.",
  Ollama: "What Ollama's clients speak: chat, generation, embeddings, and what there is.",
  "Ollama models": "Models are managed on Ollama nodes: those that x-sollol-node names, or those that suit.",
  "llama-server": "What llama.cpp's own clients speak; only models that a coordinator serves have it.",
  Batches: "Many requests at once, and requests that outlive their client.",
  Health: "How the gateway is.",
  Models: "Where models are, where requests go, and what would happen.",
  Nodes: "The Ollama nodes.",
  "Rpc backends": "The rpc backends, over which models are spread that fit no single machine.",
} as const;

/** One of {@linkcode TAGS}. */
export type Tag = keyof typeof TAGS;

/** As OpenAPI writes it. */
export type Method = "get" | "head" | "post" | "put" | "delete";

/** A body of a request or an answer. */
export interface Body {
  /** What it is. */
  readonly schema: z.ZodType;
  /** Default `application/json`. A stream's schema is that of one event's data, or of one line. */
  readonly type?: string;
}

/** An answer that is no error. */
export interface Answer {
  /** What it means. */
  readonly description: string;
  /** Usually one; a stream beside it where the client may ask for one. None: no body. */
  readonly bodies?: readonly Body[];
  /** Those that tell of the request, by name. */
  readonly headers?: readonly AnswerHeader[];
}

/** What stands beside the body. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  /** Default: that of a path is, others are not. */
  readonly isRequired?: boolean;
  readonly description: string;
  readonly schema: z.ZodType;
}

/** One method of one path, as the document tells of it. */
export interface Operation {
  /** Unique. */
  readonly id: string;
  readonly method: Method;
  /** With parameters in braces. */
  readonly path: string;
  readonly tag: Tag;
  /** What it is for, in one line. */
  readonly summary: string;
  readonly description?: string;
  /** Whom it answers: everybody, who shows an API key, or workers. */
  readonly access?: "public" | "key" | "worker";
  /** Whether the `x-sollol-*` headers of a request for inference have a meaning for it. */
  readonly isInference?: boolean;
  readonly parameters?: readonly Parameter[];
  readonly body?: Body & { readonly isOptional?: boolean };
  /** By HTTP status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** How it tells errors. */
  readonly dialect: Exclude<DialectName, "responses">;
  /** What it may refuse with, beside `unauthorized` and, to web pages, `forbidden`. */
  readonly refusals?: readonly ErrorCode[];
}

/** What every request for inference may be refused with. */
export const INFERENCE_REFUSALS = [
  "invalid_request",
  "context_too_long",
  "model_not_found",
  "too_large",
  "request_timeout",
  "unsupported_encoding",
  "model_unusable",
  "rate_limited",
  "not_implemented",
  "upstream_failed",
  "backend_unreachable",
  "no_capacity",
  "loading",
  "shutting_down",
  "load_timeout",
  "upstream_timeout",
  "insufficient_memory",
] as const satisfies readonly ErrorCode[];

/** What a request with a JSON body of our own API may be refused with. */
export const JSON_REFUSALS = [
  "invalid_request",
  "too_large",
  "request_timeout",
  "unsupported_encoding",
] as const;

/** The type of a stream of server-sent events. */
export const EVENTS = "text/event-stream";
/** The type of a stream of JSON lines. */
export const LINES = "application/x-ndjson";
