/** How a client leaves: it aborts its fetch, closes its socket, or only closes the half that it writes to. */
export const WAYS_TO_LEAVE = ["fetch", "socket", "half-close"] as const;

/** One of {@linkcode WAYS_TO_LEAVE}. */
export type WayToLeave = typeof WAYS_TO_LEAVE[number];

/** A client that has sent a request, and may leave before its answer is whole. */
export interface LeavingClient extends Disposable {
  /** Resolves when something of the answer has come; never, if nothing comes. */
  readonly begun: Promise<void>;
  /** Leaves in its way. */
  leave(): Promise<void> | void;
}

/** Sends a request by a client that will leave in this way. */
export async function sendAs(way: WayToLeave, url: string, body: unknown): Promise<LeavingClient> {
  // Longer than what the server reads by itself behind a head.
  const text = JSON.stringify({ ...body as object, padding: "x".repeat(5_000) });
  return way === "fetch" ? byFetch(url, text) : await bySocket(url, text, way);
}

function byFetch(url: string, body: string): LeavingClient {
  const left = new AbortController();
  const asked = fetch(url, { method: "POST", body, signal: left.signal });
  const reader = asked.then((response) => response.body!.getReader());
  const begun = reader.then((one) => one.read()).then(() => {});
  begun.catch(() => {}); // it left before
  const leave = () => {
    left.abort();
    // Of an answer that nobody holds any more Deno forgets the signal, and the connection stays.
    reader.then((one) => one.cancel()).catch(() => {});
  };
  return { begun, leave, [Symbol.dispose]: leave };
}

async function bySocket(url: string, body: string, way: WayToLeave): Promise<LeavingClient> {
  const { hostname, port, pathname } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const head = `POST ${pathname} HTTP/1.1\r\nhost: gateway\r\ncontent-length: ${body.length}\r\n\r\n`;
  for (const part of [head, body]) await connection.write(new TextEncoder().encode(part)); // two packets
  const begun = connection.read(new Uint8Array(64 * 1024)).then(() => {});
  begun.catch(() => {}); // it left before
  return {
    begun,
    leave: () => way === "socket" ? connection.close() : connection.closeWrite(),
    [Symbol.dispose]: () => {
      try {
        connection.close();
      } catch { /* it has left */ }
    },
  };
}
