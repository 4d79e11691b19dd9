/** `  12: 0100007F:C384 0100007F:D3A2 01 00000000:00000000 …`: where, to whom, state, bytes to send and received. */
const ROW = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]{2} ([0-9A-F]{8}):/;

/**
 * Of what was sent from a local port, how many bytes the other side has not taken yet, by its port; ports that have taken
 * all are left out. Where two of them have the same port on different hosts, the larger number.
 *
 * @param tables The text of `/proc/net/tcp` and `/proc/net/tcp6`; see proc_pid_net(5).
 */
export function unreadBytesByPort(tables: string, localPort: number): Map<number, number> {
  const unread = new Map<number, number>();
  const wanted = `:${localPort.toString(16).toUpperCase().padStart(4, "0")} `;
  for (const line of tables.split("\n")) {
    if (!line.includes(wanted)) continue;
    const [, local, remote, queued] = ROW.exec(line) ?? [];
    if (local === undefined || remote === undefined || parseInt(local, 16) !== localPort) continue;
    const bytes = parseInt(queued ?? "", 16);
    const port = parseInt(remote, 16);
    if (bytes > 0) unread.set(port, Math.max(bytes, unread.get(port) ?? 0));
  }
  return unread;
}
