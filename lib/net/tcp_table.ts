/** A row of the kernel's table of TCP sockets. */
export interface TcpSocket {
  /** IPv4, or IPv6 in eight groups without shortening. */
  readonly localAddress: string;
  /** 0 to 65535. */
  readonly localPort: number;
  /** `address:port` of the other side; `0.0.0.0:0` for a listener. */
  readonly remote: string;
  /** What the connection is doing, as far as it matters here; `half closed` once the other side has closed it, and this one has not. */
  readonly state: "established" | "half closed" | "listening" | "other";
  /** Identifies the socket in `/proc/PID/fd`; 0 if no process has it: not yet accepted, or closed. */
  readonly inode: number;
}

const STATES: Readonly<Record<string, TcpSocket["state"]>> = {
  "01": "established",
  "08": "half closed",
  "0A": "listening",
};

/** `  12: 0100007F:C384 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 12345 …` */
const ROW =
  /^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (\d+)/;

/** The second port of a row, found before the row is taken apart. */
const REMOTE_PORT = /^\s*\d+: \S+ [0-9A-F]+:([0-9A-F]{4}) /;

/**
 * The sockets on one local port in `/proc/net/tcp` or `/proc/net/tcp6`. A v4 address in v6 form is written as v4.
 * Lines that are no row, such as the title, are passed over.
 *
 * @see proc_pid_net(5); addresses are in the byte order of the host, of which we know only little-endian ones
 */
export function parseTcpTable(text: string, port: number): TcpSocket[] {
  return socketsWith(text, port).filter(({ localPort }) => localPort === port);
}

/** The connections to one port of other sides, of the same tables as {@linkcode parseTcpTable}. */
export function parseTcpConnections(text: string, remotePort: number): TcpSocket[] {
  return parseConnectionsFrom(text, new Set([remotePort]));
}

/** The connections from or to any of these ports of other sides, of the same tables as {@linkcode parseTcpTable}. */
export function parseConnectionsFrom(text: string, remotePorts: ReadonlySet<number>): TcpSocket[] {
  const hexPorts = new Set([...remotePorts].map(toHex));
  return parseRows(text, (line) => hexPorts.has(REMOTE_PORT.exec(line)?.[1] ?? ""));
}

function socketsWith(text: string, port: number): TcpSocket[] {
  const hexPort = `:${toHex(port)} `;
  return parseRows(text, (line) => line.includes(hexPort)); // a table may have many thousand rows
}

function toHex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}

function parseRows(text: string, isWanted: (line: string) => boolean): TcpSocket[] {
  return text.split("\n").flatMap((line) => {
    if (!isWanted(line)) return [];
    const [, local, localPort, remote, remotePort, state, inode] = ROW.exec(line) ?? [];
    if (local === undefined) return [];
    return [{
      localAddress: readAddress(local),
      localPort: parseInt(localPort!, 16),
      remote: `${readAddress(remote!)}:${parseInt(remotePort!, 16)}`,
      state: STATES[state!] ?? "other",
      inode: Number(inode),
    }];
  });
}

/**
 * Addresses of the clients that a server at this place serves; `host` may be `0.0.0.0`. One that waits in its queue
 * is connected, too, but does not hold it.
 */
export function clientsOf(sockets: readonly TcpSocket[], host: string): string[] {
  const isServed = (socket: TcpSocket) => socket.state === "established" && socket.inode !== 0;
  return sockets.filter((socket) => isServed(socket) && isAt(socket, host)).map(({ remote }) => remote);
}

/** Whoever listens at this place or would be in the way there. */
export function listenerAt(sockets: readonly TcpSocket[], host: string): TcpSocket | undefined {
  return sockets.find((socket) => socket.state === "listening" && isAt(socket, host));
}

function isAt({ localAddress }: TcpSocket, host: string): boolean {
  return host === "0.0.0.0" || localAddress === host || /^[0.:]+$/.test(localAddress);
}

function readAddress(hex: string): string {
  const bytes = hex.match(/.{8}/g)!.flatMap((word) => {
    return word.match(/../g)!.map((pair) => parseInt(pair, 16)).toReversed();
  });
  if (bytes.length === 4) return bytes.join(".");
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (isMapped) return bytes.slice(12).join(".");
  return Array.from(
    { length: 8 },
    (_, group) => (bytes[2 * group]! * 256 + bytes[2 * group + 1]!).toString(16),
  )
    .join(":");
}
