import { formatAddress, type UpstreamAddress } from "./address.ts";
import { type ByteStream, Connection } from "./connection.ts";
import { httpError, toHttpError } from "./failure.ts";
import { isAddress, type NameRules, RefusedName, resolveHost } from "./resolve_host.ts";

/** How to open a connection. */
export interface DialOptions {
  /** Gives up with the signal's reason. */
  signal: AbortSignal;
  /** PEM certificates to trust beside the system's. */
  caCerts?: string[];
  /** Which addresses a name may lead to; default: any. Does not matter where the address itself is written. */
  names?: NameRules | undefined;
}

/**
 * Opens a connection; no proxy variable is obeyed. It resolves when bytes can be sent: behind the TLS handshake.
 *
 * @throws {HttpError} Of phase `resolve` or `connect`.
 */
export async function dial(address: UpstreamAddress, options: DialOptions): Promise<Connection> {
  const label = formatAddress(address);
  try {
    const stream = await open(address, options);
    return new Connection(stream, label, address.transport === "tcp" && address.tls);
  } catch (error) {
    options.signal.throwIfAborted();
    const progress = { phase: "connect", sent: false, answered: false } as const;
    if (!(error instanceof RefusedName)) throw toHttpError(label, error, progress);
    throw httpError(label, `${error.message}${NAME_ADVICE}`, { ...progress, kind: "unreachable" }, {
      cause: error,
    });
  }
}

const NAME_ADVICE = "; check who answers for that name, or write an address of your own network instead";

async function open(address: UpstreamAddress, options: DialOptions): Promise<ByteStream> {
  const { signal, caCerts = [] } = options;
  if (address.transport === "unix") return unlessAborted(await Deno.connect(address), signal);
  const { hostname, port, tls } = address;
  const socket = await connect(hostname, port, options);
  socket.setNoDelay(true);
  if (!tls) return socket;
  // Not `connectTls`: it takes no signal.
  const secure = await Deno.startTls(socket, { hostname, caCerts, alpnProtocols: ["http/1.1"] });
  return await secured(unlessAborted(secure, signal), signal);
}

/** Connects to a host; where names are judged, to the very address that was judged. */
async function connect(
  hostname: string,
  port: number,
  { signal, names }: DialOptions,
): Promise<Deno.TcpConn> {
  if (!names || isAddress(hostname)) {
    return unlessAborted(await Deno.connect({ hostname, port, signal }), signal);
  }
  const addresses = await resolveHost(hostname, names, signal);
  const failures: unknown[] = [];
  for (const address of addresses) {
    try {
      return unlessAborted(await Deno.connect({ hostname: address, port, signal }), signal);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(error);
    }
  }
  throw failures[0];
}

/**
 * Runs the handshake. One that is given up is closed by the runtime only when the peer answers or closes
 * (Deno 2.9.6), but the caller need not wait for that.
 */
async function secured(socket: Deno.TlsConn, signal: AbortSignal): Promise<Deno.TlsConn> {
  const close = (): void => socket.close();
  signal.addEventListener("abort", close);
  try {
    await socket.handshake();
    signal.throwIfAborted();
    return socket;
  } catch (error) {
    if (!signal.aborted) socket.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** The abort may have come while the socket was being opened: nobody would close it. */
function unlessAborted<Socket extends Deno.Conn>(socket: Socket, signal: AbortSignal): Socket {
  if (signal.aborted) socket.close();
  signal.throwIfAborted();
  return socket;
}
