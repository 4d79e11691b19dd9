import { setTimeout as delay } from "node:timers/promises";
import type { UpstreamAddress } from "../../lib/http/address.ts";

/** What the fake does with one chat request. */
export type Behaviour =
  /** Answers like llama-server: a JSON object, or a stream of `tokens` events and `[DONE]`. */
  | { kind: "ok"; tokens?: number; intervalMs?: number }
  /** Closes the connection without an answer, as a process that aborts does. */
  | { kind: "close" }
  /** Breaks off the stream amid a chunk after this many events, and half of another one. */
  | { kind: "break"; afterEvents: number }
  /** Ends the stream properly as HTTP, but without `[DONE]`. */
  | { kind: "no_done"; afterEvents: number }
  /** Tells of an error inside the stream, as llama-server does, and ends without `[DONE]`. */
  | { kind: "error_event" }
  /** Sends half of a JSON answer and closes. */
  | { kind: "half_json" }
  /** Takes the request and never answers. */
  | { kind: "hang" }
  /** Answers with this status and body. */
  | { kind: "status"; status: number; body: string; headers?: string };

/** A request as it arrived. */
export interface SeenRequest {
  line: string;
  headers: string;
  body: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Speaks what the gateway needs of llama-server's HTTP, over raw TCP so that it can also misbehave. */
export class FakeLlamaServer implements AsyncDisposable {
  /** Every chat request, in order of arrival. */
  readonly seen: SeenRequest[] = [];
  /** Chat requests whose client left before the answer was whole. */
  cancelledCount = 0;
  #next: Behaviour[] = [];
  #isOpen = true;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #serving: Promise<void>;

  constructor(
    private readonly models: readonly string[] = ["fake"],
    private readonly usual: Behaviour = { kind: "ok" },
  ) {
    this.#serving = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get address(): UpstreamAddress {
    return { transport: "tcp", hostname: "127.0.0.1", port: this.port };
  }

  /** Behaviours of the next chat requests; later ones behave as usual. */
  then(...behaviours: Behaviour[]): void {
    this.#next.push(...behaviours);
  }

  /** Closes every connection at once, as the death of the process does. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    await this.#serving;
  }

  async #accept(): Promise<void> {
    const served: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.#connections.add(connection);
      served.push(
        this.#serve(connection).catch(() => {}).finally(() => {
          if (this.#connections.delete(connection)) connection.close();
        }),
      );
    }
    await Promise.all(served);
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    for (let rest = ""; this.#connections.has(connection);) {
      const request = await readRequest(connection, rest);
      if (request === undefined) return;
      rest = request.rest;
      if (request.line.startsWith("GET ")) {
        const data = this.models.map((id) => ({ id, object: "model" }));
        await writeJson(connection, 200, JSON.stringify({ object: "list", data }));
        continue;
      }
      this.seen.push(request);
      if (!await this.#answer(connection, request)) return;
    }
  }

  /** False if the connection is over. */
  async #answer(connection: Deno.TcpConn, request: SeenRequest): Promise<boolean> {
    const behaviour = this.#next.shift() ?? this.usual;
    const isStream = JSON.parse(request.body).stream === true;
    switch (behaviour.kind) {
      case "close":
        return false;
      case "hang":
        await this.#untilClosed(connection);
        return false;
      case "status":
        await writeJson(connection, behaviour.status, behaviour.body, behaviour.headers);
        return true;
      case "half_json":
        await write(
          connection,
          `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"id":`,
        );
        return false;
      case "error_event":
        await write(
          connection,
          SSE_HEAD + chunk(token(0)) + chunk(`data: {"error":{"message":"Compute error."}}\n\n`) +
            "0\r\n\r\n",
        );
        return true;
      case "break":
        await write(connection, SSE_HEAD + tokens(behaviour.afterEvents) + chunk(`data: {"choices":[{"del`));
        return false;
      case "no_done":
        await write(connection, `${SSE_HEAD}${tokens(behaviour.afterEvents)}0\r\n\r\n`);
        return true;
      case "ok":
        if (!isStream) await writeJson(connection, 200, JSON.stringify(ANSWER));
        else await this.#stream(connection, behaviour.tokens ?? 5, behaviour.intervalMs ?? 0);
        return true;
    }
  }

  async #stream(connection: Deno.TcpConn, count: number, intervalMs: number): Promise<void> {
    const watching = intervalMs > 0 ? this.#untilClosed(connection) : undefined;
    await write(connection, SSE_HEAD);
    for (let i = 0; i < count; i++) {
      if (i > 0 && intervalMs > 0) await Promise.race([delay(intervalMs), watching]);
      await write(connection, chunk(token(i)));
    }
    await write(connection, `${chunk("data: [DONE]\n\n")}0\r\n\r\n`);
  }

  async #untilClosed(connection: Deno.TcpConn): Promise<void> {
    const byte = new Uint8Array(1);
    const read = await connection.read(byte).catch(() => null);
    if (read === null) this.cancelledCount++;
  }
}

const ANSWER = {
  id: "chatcmpl-fake",
  object: "chat.completion",
  created: 1,
  model: "fake",
  choices: [{
    index: 0,
    finish_reason: "stop",
    message: { role: "assistant", content: "hello from the fake" },
  }],
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
};

const SSE_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nServer: llama.cpp\r\n" +
  "Access-Control-Allow-Origin: *\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\n\r\n";

function token(index: number): string {
  return `data: {"choices":[{"index":0,"finish_reason":null,"delta":{"content":" word${index}"}}]}\n\n`;
}

function tokens(count: number): string {
  return Array.from({ length: count }, (_, index) => chunk(token(index))).join("");
}

function chunk(text: string): string {
  return `${encoder.encode(text).byteLength.toString(16)}\r\n${text}\r\n`;
}

async function writeJson(
  connection: Deno.TcpConn,
  status: number,
  body: string,
  headers = "",
): Promise<void> {
  const length = encoder.encode(body).byteLength;
  await write(
    connection,
    `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nServer: llama.cpp\r\n${headers}Content-Length: ${length}\r\n\r\n${body}`,
  );
}

async function write(connection: Deno.TcpConn, text: string): Promise<void> {
  const bytes = encoder.encode(text);
  for (let written = 0; written < bytes.byteLength;) {
    written += await connection.write(bytes.subarray(written));
  }
}

/** Reads one request; undefined when the client has closed. Bodies are taken to be ASCII or UTF-8 in one piece. */
async function readRequest(
  connection: Deno.TcpConn,
  before: string,
): Promise<SeenRequest & { rest: string } | undefined> {
  let text = before;
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const headEnd = text.indexOf("\r\n\r\n");
    if (headEnd >= 0) {
      const head = text.slice(0, headEnd);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      const body = text.slice(headEnd + 4);
      if (encoder.encode(body).byteLength >= length) {
        const [line = "", ...headers] = head.split("\r\n");
        return { line, headers: headers.join("\n"), body: body.slice(0, length), rest: body.slice(length) };
      }
    }
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) return undefined;
    text += decoder.decode(buffer.subarray(0, count));
  }
}
