/**
 * The upstream that `http_client_bench.ts` measures against, on a thread of its own: it answers each read as one
 * request, `/events` with a stream of chunks and all else with 500 bytes of JSON.
 */
const JSON_ANSWER = encode(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n${"x".repeat(500)}`,
);
const EVENT = `data: ${"x".repeat(172)}\n\n`;
const EVENTS_HEAD = encode(
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
);
const CHUNK = encode(`${EVENT.length.toString(16)}\r\n${EVENT}\r\n`);
const LAST_CHUNK = encode("0\r\n\r\n");
const EVENT_COUNT = 200;

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
postMessage((listener.addr as Deno.NetAddr).port);
for await (const connection of listener) void serve(connection);

async function serve(connection: Deno.TcpConn): Promise<void> {
  connection.setNoDelay(true);
  const buffer = new Uint8Array(64 * 1024);
  const eventsPath = encode("POST /events");
  try {
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      if (buffer[6] === eventsPath[6]) await sendEvents(connection);
      else await connection.write(JSON_ANSWER);
    }
  } catch { /* the client left */ }
}

async function sendEvents(connection: Deno.TcpConn): Promise<void> {
  await connection.write(EVENTS_HEAD);
  for (let left = EVENT_COUNT; left > 0; left--) await connection.write(CHUNK);
  await connection.write(LAST_CHUNK);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

declare function postMessage(message: unknown): void;
