import { Connection } from "../../../lib/http/connection.ts";
import { Deadlines } from "../../../lib/http/deadlines.ts";
import { HttpError } from "../../../lib/http/error.ts";
import { Exchange } from "../../../lib/http/exchange.ts";
import type { HeaderList } from "../../../lib/http/headers.ts";
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from "../../../lib/http/limits.ts";
import { ScriptedStream } from "./scripted_stream.ts";

/** All that a caller can see of an answer, in a form that compares. */
export interface Outcome {
  status?: number;
  headers?: HeaderList;
  framing?: string;
  /** One character an octet; what came before an error, too. */
  body: string;
  ended?: string;
  trailers?: HeaderList;
  error?: { phase: string; kind: string; sent: boolean; answered: boolean };
}

/** What an exchange left behind. */
export interface Played {
  outcome: Outcome;
  /** Whether the connection may carry another request; undefined if the exchange never said. */
  reusableMs: number | undefined;
  stream: ScriptedStream;
}

/** Plays the pieces as one upstream's answer; anything but an `HttpError` is thrown on. */
export async function play(
  pieces: Uint8Array[],
  { method = "GET", limits = {} }: { method?: string; limits?: Partial<HttpLimits> } = {},
): Promise<Played> {
  const stream = new ScriptedStream(pieces);
  using deadlines = new Deadlines();
  const played: Played = { outcome: { body: "" }, reusableMs: undefined, stream };
  const exchange = new Exchange(new Connection(stream, "http://fake:1"), {
    method,
    signal: undefined,
    headTimeoutMs: undefined,
    limits: { ...DEFAULT_HTTP_LIMITS, ...limits },
    deadlines,
    onEnd: (_exchange, reusableMs) => played.reusableMs = reusableMs,
  });
  try {
    await exchange.send("GET / HTTP/1.1\r\nHost: fake:1\r\n\r\n", undefined);
    await readAnswer(exchange, played.outcome);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const { phase, kind, sent, answered } = error;
    played.outcome.error = { phase, kind, sent, answered };
  }
  return played;
}

async function readAnswer(exchange: Exchange, outcome: Outcome): Promise<void> {
  const { status, headers, body } = await exchange.receive();
  Object.assign(outcome, { status, headers, framing: body.framing });
  try {
    for (let piece = await body.read(); piece !== null; piece = await body.read()) {
      for (const octet of piece) outcome.body += String.fromCharCode(octet);
    }
  } finally {
    outcome.ended = body.ended;
    outcome.trailers = body.trailers;
  }
}

/** Text as octets, one a character. */
export function octets(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Well-formed answers, one for each way to frame a body. */
export const ANSWERS: readonly { name: string; text: string; method?: string; body: string }[] = [
  { name: "a length", text: "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world", body: "hello world" },
  {
    name: "chunks",
    text:
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n",
    body: "hello world",
  },
  { name: "an end by close", text: "HTTP/1.0 200 OK\r\nServer: old\r\n\r\nhello world", body: "hello world" },
  { name: "no body", text: "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", body: "" },
  { name: "a length of 0", text: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", body: "" },
  { name: "HEAD", text: "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", method: "HEAD", body: "" },
  {
    name: "interim answers",
    text:
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    body: "hi",
  },
  {
    name: "events",
    text: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
      'e\r\ndata: {"a":1}\n\r\n1\r\n\n\r\nf\r\ndata: [DONE]\n\n\n\r\n0\r\n\r\n',
    body: 'data: {"a":1}\n\ndata: [DONE]\n\n\n',
  },
];
