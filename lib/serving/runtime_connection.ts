import { messageOf } from "../errors.ts";

/** A connection on which the runtime speaks HTTP. */
export interface ServedConnection {
  /** Resolves when it is closed, by whomever; never rejects. */
  readonly closed: Promise<void>;
  /** Closes it as soon as the request that is under way, if any, is answered and its answer was read. */
  leave(): void;
  /** Closes it now. Does nothing once it was told to leave. */
  cut(): void;
}

/** Speaks HTTP on an accepted connection, which belongs to the runtime from then on. */
export type ServeConnection = (
  connection: Deno.TcpConn,
  handler: (request: Request, info: Pick<Deno.ServeHandlerInfo, "completed">) => Response | Promise<Response>,
  onError: (error: unknown) => Response,
) => ServedConnection;

/** What `Deno.serve` itself calls for a connection that it was given (2.9.6). Its signal may be anything that can be listened to. */
type ServeHttpOnConnection = (
  connection: Deno.TcpConn,
  signal: { addEventListener(type: "abort", listener: () => void): void },
  handler: (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response>,
  onError: (error: unknown) => Response,
  onListen: () => void,
) => { readonly finished: Promise<void>; shutdown(): Promise<void> };

/**
 * The runtime's HTTP for single connections; `undefined` if this runtime has none. It is no public API of Deno, whose
 * `Deno.serve` tells nothing of connections and limits none.
 *
 * @see ext/http/00_serve.ts of Deno 2.9.6
 */
export function findServeConnection(runtime: object = Deno): ServeConnection | undefined {
  const key = Reflect.get(runtime, "internal");
  const internals = typeof key === "symbol" ? Reflect.get(runtime, key) : undefined;
  const serve = internals?.serveHttpOnConnection;
  return typeof serve === "function" ? (...given) => serveOn(serve, ...given) : undefined;
}

function serveOn(
  serve: ServeHttpOnConnection,
  ...[connection, handler, onError]: Parameters<ServeConnection>
): ServedConnection {
  let abort = () => {};
  // Not a real signal: what its listener throws for a connection that has just ended would end the process.
  const signal = { addEventListener: (_type: "abort", listener: () => void) => void (abort = listener) };
  const { finished, shutdown } = serve(
    connection,
    signal,
    (request, info) => handler(request, info),
    onError,
    () => {},
  );
  const leave = () => shutdown().catch(() => {});
  return {
    // Of one that broke, such as by a reset, the runtime does not let go by itself.
    closed: finished.catch(leave),
    leave: () => void leave(),
    cut: () => ignoreGone(abort),
  };
}

/** @throws Whatever is not about a connection that is over. */
function ignoreGone(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) {
      throw new Error(`Cannot close a connection: ${messageOf(error)}`, { cause: error });
    }
  }
}
