/** How far a request had come when it failed. */
export type HttpPhase = "resolve" | "connect" | "send" | "head" | "body";

/** Why a request failed. `busy`: this host is out of descriptors or ports, or the listener's queue is full. */
export type HttpErrorKind =
  | "refused"
  | "unreachable"
  | "timeout"
  | "reset"
  | "closed"
  | "malformed"
  | "too_large"
  | "tls"
  | "busy";

/** What an {@linkcode HttpError} knows beside its sentence. */
export interface HttpErrorFacts {
  /** How far it came. */
  phase: HttpPhase;
  /** What went wrong. */
  kind: HttpErrorKind;
  /** At least one byte of the request may have been written: the upstream may have acted on it. */
  sent: boolean;
  /** At least one byte of an answer arrived. */
  answered: boolean;
}

/**
 * A request that got no whole answer. What may be asked again follows from two facts: not `sent`, always;
 * `answered`, never; in between the caller judges. An abort is not an `HttpError`: it rejects with the signal's reason.
 */
export class HttpError extends Error implements HttpErrorFacts {
  /** For logs, and for callers that compare no classes. */
  override readonly name = "HttpError";
  /** How far it came. */
  readonly phase: HttpPhase;
  /** What went wrong. */
  readonly kind: HttpErrorKind;
  /** At least one byte of the request may have been written: the upstream may have acted on it. */
  readonly sent: boolean;
  /** At least one byte of an answer arrived. */
  readonly answered: boolean;

  /** The message says what could not be done with which upstream, and why. */
  constructor(message: string, facts: HttpErrorFacts, options: ErrorOptions = {}) {
    super(message, options);
    this.phase = facts.phase;
    this.kind = facts.kind;
    this.sent = facts.sent;
    this.answered = facts.answered;
  }
}

/** Bytes that are no HTTP/1.1 answer, or one that two readers could understand in two ways. */
export class HttpSyntaxError extends SyntaxError {
  /** For logs. */
  override readonly name = "HttpSyntaxError";
}

/** An answer that is longer, or has more parts, than the limits allow. */
export class HttpLimitError extends RangeError {
  /** For logs. */
  override readonly name = "HttpLimitError";
}
