import * as z from "zod";

/** What the headers of a request for inference say of its turn; they mean the same in every dialect. */
export const REQUEST_HEADERS = {
  Route: {
    name: "x-sollol-route",
    description: "Where it is to go: node, sharded, or the name, URL or tag of a node or coordinator.",
    schema: z.string().max(500),
  },
  Priority: {
    name: "x-sollol-priority",
    description: "The higher the sooner it has its turn. Default: 5.",
    schema: z.int().min(0).max(10),
  },
  MaxWait: {
    name: "x-sollol-max-wait",
    description: "For how long it may wait for others' work, a duration such as 30s.",
    schema: z.string(),
  },
  KeepAlive: {
    name: "x-sollol-keep-alive",
    description: "For how long its model stays loaded once it is idle; goes before keep_alive.",
    schema: z.string(),
  },
  Routing: {
    name: "x-sollol-routing",
    description: "Whether the answer tells in itself, in _routing, where it came from. Default: false.",
    schema: z.enum(["true", "false"]),
  },
} as const;

/** What answers may tell in their headers. */
export const ANSWER_HEADERS = {
  "x-sollol-request-id": { description: "Finds the request in the log.", schema: z.string() },
  "x-sollol-upstream": { description: "Who answered.", schema: z.string() },
  "x-sollol-model": { description: "The model that answered.", schema: z.string() },
  "x-sollol-decision": { description: "Why the request went there.", schema: z.string() },
  "x-sollol-attempts": { description: "Upstreams that were asked.", schema: z.int() },
  "x-sollol-queue-ms": { description: "Waited for others' work, ms.", schema: z.int() },
  "x-sollol-load-ms": { description: "Waited for the model to load, ms.", schema: z.int() },
  "x-sollol-duration-ms": { description: "From arrival to answer, ms.", schema: z.int() },
  "retry-after": { description: "Seconds after which to ask again.", schema: z.int() },
} as const;

/** One of {@linkcode ANSWER_HEADERS}. */
export type AnswerHeader = keyof typeof ANSWER_HEADERS;

/** Of an answer to inference: where it came from, and what it took. */
export const ROUTED: readonly AnswerHeader[] = [
  "x-sollol-request-id",
  "x-sollol-upstream",
  "x-sollol-model",
  "x-sollol-decision",
  "x-sollol-attempts",
  "x-sollol-queue-ms",
  "x-sollol-load-ms",
  "x-sollol-duration-ms",
];

/** Of an answer to an order: which nodes got it, and why those. */
export const PLACED: readonly AnswerHeader[] = [
  "x-sollol-request-id",
  "x-sollol-upstream",
  "x-sollol-decision",
];
