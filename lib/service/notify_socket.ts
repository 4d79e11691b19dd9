import { GatewayError } from "../errors.ts";

/** Where notices go; somebody else's socket. */
export interface NoticeSink extends Disposable {
  /** Sends one datagram. @throws The system's error if nobody takes it. */
  send(text: string): Promise<void>;
}

/**
 * Opens the way to the socket that `NOTIFY_SOCKET` names: a path, or a name after `@` that is no file.
 *
 * @throws {GatewayError} `invalid_request` if it is neither, or this runtime opens no such socket.
 * @see sd_notify(3), unix(7) on abstract addresses
 */
export function openNotifySocket(name: string): NoticeSink {
  if (!/^[/@]./.test(name)) {
    throw new GatewayError("invalid_request", `"${name}" is neither a path nor a name after @`);
  }
  const path = name.startsWith("@") ? `\0${name.slice(1)}` : name;
  const to: Deno.UnixAddr = { transport: "unixpacket", path };
  const socket = openSocket();
  return {
    async send(text) {
      await socket.send(new TextEncoder().encode(text), to);
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

/** Our own end has a name that is no file: the kernel frees it with the socket, and no directory has to be writable. */
function openSocket(): Deno.DatagramConn {
  try {
    return Deno.listenDatagram({ transport: "unixpacket", path: `\0sollol-${crypto.randomUUID()}` });
  } catch (cause) {
    throw new GatewayError("invalid_request", "this build of sollol opens no datagram sockets", { cause });
  }
}
