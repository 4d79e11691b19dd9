import {
  countAnswer,
  countRequest,
  messagesAnswer,
  messagesEvent,
  messagesRequest,
} from "../schema/anthropic_messages.ts";
import { ROUTED } from "./gateway_headers.ts";
import { EVENTS, INFERENCE_REFUSALS, type Operation } from "./operation.ts";

const inference = {
  tag: "Anthropic",
  method: "post",
  dialect: "anthropic",
  isInference: true,
  refusals: INFERENCE_REFUSALS,
} as const;

/** Anthropic's dialect. */
export const ANTHROPIC_OPERATIONS: readonly Operation[] = [
  {
    ...inference,
    id: "createMessage",
    path: "/v1/messages",
    summary: "Answers a chat",
    body: { schema: messagesRequest },
    answers: {
      200: {
        description: "The answer, whole or as a stream.",
        headers: ROUTED,
        bodies: [{ schema: messagesAnswer }, { schema: messagesEvent, type: EVENTS }],
      },
    },
  },
  {
    ...inference,
    id: "countMessageTokens",
    path: "/v1/messages/count_tokens",
    summary: "Counts the tokens of a chat",
    body: { schema: countRequest },
    answers: { 200: { description: "The number.", headers: ROUTED, bodies: [{ schema: countAnswer }] } },
  },
];
