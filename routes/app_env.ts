/** What the server hands in beside a request, and what middleware leaves for handlers. */
export interface AppEnv {
  Bindings: {
    /** The other end of the connection. */
    remoteAddr?: Deno.Addr;
  };
  Variables: {
    /** The id of this request, in every log line and answer about it. */
    requestId: string;
    /** Set when somebody else writes this request's line in the log. */
    isRecorded?: boolean;
    /** Aborts when the client of this request has gone; read it by `leftOf`. */
    left?: AbortSignal;
  };
}
