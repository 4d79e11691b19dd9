/** Answers one request of a client; a promise that it gives may reject. */
export type ClientHandler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

/** The status of an answer after which its connection is closed: its client has stopped in the middle of its request. */
export const REQUEST_TIMEOUT = 408;

/** Where clients come in: it listens, and hands requests to a handler. */
export interface Front {
  /** Where it listens, with the port that it got. */
  readonly addr: Deno.NetAddr;
  /**
   * Accepts nobody any more and closes connections without a request at once. Resolves when those under way are answered
   * and all connections are closed; never rejects.
   */
  shutdown(): Promise<void>;
}

/** Why a connection of a client was closed. */
export type CloseReason =
  /** The client left, or its last answer was over. */
  | "ended"
  /** It was there without a request for too long: the first one, or the next one. */
  | "header_timeout"
  | "idle"
  /** Another one took its place, or it found none. */
  | "replaced"
  | "refused"
  /** The gateway ends. */
  | "shutdown";
