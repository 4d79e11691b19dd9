/** HTTP status of every failure we understand. The codes are public API. */
export const STATUS = {
  invalid_request: 400,
  context_too_long: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  model_not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  too_large: 413,
  unsupported_encoding: 415,
  model_unusable: 422,
  rate_limited: 429,
  head_too_large: 431,
  client_closed: 499,
  not_implemented: 501,
  upstream_failed: 502,
  backend_unreachable: 502,
  no_capacity: 503,
  loading: 503,
  shutting_down: 503,
  load_timeout: 504,
  upstream_timeout: 504,
  insufficient_memory: 507,
} as const;

/** Names one kind of failure; what a client may branch on. */
export type ErrorCode = keyof typeof STATUS;

/** Seconds that a client is asked to wait where the thrower knows nothing better. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  rate_limited: 1,
  no_capacity: 5,
  loading: 2,
  shutting_down: 10,
};

/** What a {@linkcode GatewayError} may carry beside its code and its sentence. */
export interface GatewayErrorOptions extends ErrorOptions {
  /** Seconds after which a retry makes sense; sent as `Retry-After`. */
  retryAfterSeconds?: number;
  /** Name of the request field at fault, such as `messages`. */
  field?: string;
}

/**
 * A failure we understand; any other error that reaches a route is a bug (500).
 *
 * The message is for a person: what could not be done, then the numbers, then what to do.
 */
export class GatewayError extends Error {
  /** Tells it from other errors. */
  override readonly name = "GatewayError";
  /** Seconds after which a retry makes sense, if any. */
  readonly retryAfterSeconds: number | undefined;
  /** The request field at fault, if one is. */
  readonly field: string | undefined;

  /**
   * A code whose cause passes by itself brings a usual `retryAfterSeconds` along; the options overrule it.
   *
   * @param code What kind of failure it is.
   * @param message A sentence for a person.
   */
  constructor(readonly code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options);
    this.retryAfterSeconds = options.retryAfterSeconds ?? RETRY_AFTER_SECONDS[code];
    this.field = options.field;
  }

  /** The HTTP status that {@linkcode STATUS} gives this code. */
  get status(): number {
    return STATUS[this.code];
  }
}

/** The message of anything that was thrown: errors say theirs, the rest is turned to text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
