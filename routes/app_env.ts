import type { Client } from "../lib/auth/client.ts";

/** What the server hands in beside a request, and what middleware leaves for handlers. */
export interface AppEnv {
  Bindings: {
    /** The other end of the connection. */
    remoteAddr?: Deno.Addr;
  };
  Variables: {
    /** The id of this request, in every log line and answer about it. */
    requestId: string;
    /** Who sends this request; read it by `clientOf`. */
    client?: Client;
    /** Set when somebody else writes this request's line in the log. */
    isRecorded?: boolean;
    /** Aborts when the client of this request has gone; read it by `leftOf`. */
    left?: AbortSignal;
  };
}
