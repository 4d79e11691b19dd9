/** Where datagrams go, and how many. */
export interface UdpTarget {
  /** An IPv4 address, also of a broadcast. */
  readonly hostname: string;
  /** UDP port. */
  readonly port: number;
  /** How many equal ones: each of them may get lost. */
  readonly count: number;
}

/**
 * Sends a datagram; nobody says whether it arrives. Deno's sockets may send to broadcast addresses as they are.
 *
 * @throws If the host cannot send it, such as `ENETUNREACH`.
 */
export async function sendDatagrams(
  datagram: Uint8Array<ArrayBuffer>,
  { hostname, port, count }: UdpTarget,
): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  try {
    for (let sent = 0; sent < count; sent++) {
      await socket.send(datagram, { transport: "udp", hostname, port });
    }
  } finally {
    socket.close();
  }
}
