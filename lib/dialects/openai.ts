import { type ErrorCode, GatewayError } from "../errors.ts";
import { BrokenAnswer } from "./broken_answer.ts";
import { momentText } from "./moment_text.ts";

/** OpenAI's `type` of an error: what its SDKs branch on beside the status. */
const ERROR_TYPE: Partial<Record<ErrorCode, string>> = {
  unauthorized: "authentication_error",
  forbidden: "permission_error",
  not_found: "not_found_error",
  model_not_found: "not_found_error",
  rate_limited: "rate_limit_error",
};

/**
 * The body of an error answer. `param` names the field at fault, `request_id` is found again in the log,
 * `tokens_delivered` is how much of a broken stream the client has.
 */
export function errorBody(error: GatewayError, requestId: string): Record<string, unknown> {
  const type = ERROR_TYPE[error.code] ?? (error.status < 500 ? "invalid_request_error" : "server_error");
  return {
    error: {
      message: error.message,
      type,
      param: error.field ?? null,
      code: error.code,
      request_id: requestId,
      ...(error instanceof BrokenAnswer && { tokens_delivered: error.deliveredTokenCount }),
    },
  };
}

/** The same for a failure that nobody understood; only the log knows more. */
export function unexpectedErrorBody(requestId: string): Record<string, unknown> {
  const message = `Something went wrong inside sollol; its log has the details under request ${requestId}`;
  return { error: { message, type: "server_error", param: null, code: "internal", request_id: requestId } };
}

/** One entry of `GET /v1/models`: for OpenAI's clients, and what those of Anthropic's read beside the `id`. */
export interface ModelCard {
  /** The model's name, as requests give it. */
  id: string;
  /** The same for every entry. */
  object: "model";
  /** Anthropic's word for that. */
  type: "model";
  /** The same as `id`: Anthropic's clients show it. */
  display_name: string;
  /** Seconds since 1970. */
  created: number;
  /** The same in words (RFC 3339). */
  created_at: string;
  /** Who keeps the model; shown, never interpreted. */
  owned_by: string;
  /** Ours: where it is, and whether it can be served. */
  sollol: ModelPlace;
}

/** Where a model is, and where a request for it would go now. What is not known, or is not so, is left out. */
export interface ModelPlace {
  /** Whether it can be served. */
  readonly available: boolean;
  /** Why not. */
  readonly because: string | undefined;
  /** A node, or in words what else. */
  readonly goes_to: string | undefined;
  /** Names of the nodes that hold it. */
  readonly nodes: readonly string[];
  /** The model that this name stands for. */
  readonly alias_of: string | undefined;
}

/** Renders a model for `GET /v1/models`. */
export function modelCard(id: string, modifiedAtMs: number, ownedBy: string, place: ModelPlace): ModelCard {
  return {
    id,
    object: "model",
    type: "model",
    display_name: id,
    created: Math.floor(modifiedAtMs / 1_000),
    created_at: momentText(modifiedAtMs),
    owned_by: ownedBy,
    sollol: place,
  };
}

/** The answer to `GET /v1/models`: all of them on the only page, as Anthropic's clients read it. */
export interface ModelList {
  /** The same for every list. */
  object: "list";
  /** In their order. */
  data: readonly ModelCard[];
  /** There are no more pages. */
  has_more: false;
  /** `null` where there are no models. */
  first_id: string | null;
  /** See `first_id`. */
  last_id: string | null;
}

/** Renders all models for `GET /v1/models`. */
export function modelList(data: readonly ModelCard[]): ModelList {
  return {
    object: "list",
    data,
    has_more: false,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}
