/** `HttpClient` against `fetch`, which each group's ratio refers to: the same requests to the same upstream. */
import { HttpClient } from "../../lib/http/client.ts";

const worker = new Worker(new URL("./http_upstream_worker.ts", import.meta.url), { type: "module" });
const port = await new Promise<number>((resolve) => worker.onmessage = ({ data }) => resolve(data));

const client = new HttpClient();
const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
const body = new TextEncoder().encode("x".repeat(120));
const { signal } = new AbortController();

/** Asks, with what the gateway uses: a signal, and a deadline for the head where there can be one. */
const askOurs = async (target: string) =>
  (await client.send(address, {
    method: "POST",
    target,
    headers: [["content-type", "application/json"]],
    body,
    signal,
    headTimeoutMs: 600_000,
  })).body;

const askFetch = (target: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${target}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    signal,
  });

const postOurs = async (): Promise<Uint8Array> => await (await askOurs("/json")).bytes(64 * 1024);
const postFetch = async (): Promise<Uint8Array> => await (await askFetch("/json")).bytes();

/** Counts the bytes of a stream whose reader sees each piece, as accounting needs it. */
async function streamOurs(): Promise<number> {
  const events = await askOurs("/events");
  let bytes = 0;
  for (let piece = await events.read(); piece !== null; piece = await events.read()) {
    bytes += piece.byteLength;
  }
  return bytes;
}

async function streamFetch(): Promise<number> {
  const reader = (await askFetch("/events")).body!.getReader({ mode: "byob" });
  let [bytes, buffer] = [0, new Uint8Array(4096)];
  for (let piece = await reader.read(buffer); !piece.done; piece = await reader.read(buffer)) {
    bytes += piece.value.byteLength;
    buffer = new Uint8Array(piece.value.buffer);
  }
  return bytes;
}

const times = (count: number, ask: () => Promise<unknown>) => async (): Promise<void> => {
  await Promise.all(Array.from({ length: count }, ask));
};

Deno.bench(
  "fetch",
  { group: "POST, 500 bytes back, one at a time", baseline: true },
  async () => void await postFetch(),
);
Deno.bench("HttpClient", { group: "POST, 500 bytes back, one at a time" }, async () => void await postOurs());

Deno.bench("fetch, 16 requests", { group: "POST, 16 at once", baseline: true }, times(16, postFetch));
Deno.bench("HttpClient, 16 requests", { group: "POST, 16 at once" }, times(16, postOurs));

Deno.bench(
  "fetch, BYOB reader",
  { group: "200 events, one stream", baseline: true },
  async () => void await streamFetch(),
);
Deno.bench("HttpClient ", { group: "200 events, one stream" }, async () => void await streamOurs());

Deno.bench(
  "fetch, 16 streams",
  { group: "200 events, 16 streams at once", baseline: true },
  times(16, streamFetch),
);
Deno.bench("HttpClient, 16 streams", { group: "200 events, 16 streams at once" }, times(16, streamOurs));
