import { GatewayError } from "../errors.ts";
import { parseUpstreamUrl } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import { headerValue } from "../http/headers.ts";

/** One streamed chat, as any client would send it. */
export interface DemoChatOptions {
  /** The gateway, such as `http://127.0.0.1:11435`. */
  url: string;
  /** As clients name it. */
  model: string;
  /** The only message, the user's. */
  prompt: string;
  /** The answer ends there at the latest. */
  maxTokens: number;
  /** Breaks the chat off. */
  signal: AbortSignal;
  /** Called once, as the answer begins. */
  onAnswer: () => void;
}

/** What came back. */
export interface DemoAnswer {
  /** All pieces together. */
  readonly answer: string;
  /** Pieces that held text; llama-server sends one a token. */
  readonly tokenCount: number;
  /** As llama-server measured it, else as the pieces came. */
  readonly tokensPerSecond: number;
  /** The `x-sollol-decision` header. */
  readonly decision: string;
  /** The `x-sollol-load-ms` header. */
  readonly loadMs: number;
}

/**
 * Sends a streamed chat and reads it to its end.
 *
 * @throws {GatewayError} With the gateway's own sentence, before or inside the stream.
 */
export async function sendDemoChat(http: HttpClient, options: DemoChatOptions): Promise<DemoAnswer> {
  const { model, prompt, maxTokens, signal, onAnswer } = options;
  const { address } = parseUpstreamUrl(options.url);
  const request = {
    model,
    stream: true,
    max_tokens: maxTokens,
    temperature: 0,
    messages: [{ role: "user", content: prompt }],
  };
  const { status, headers, body } = await http.send(address, {
    method: "POST",
    target: "/v1/chat/completions",
    headers: [["content-type", "application/json"]],
    body: new TextEncoder().encode(JSON.stringify(request)),
    signal,
  });
  if (status !== 200) throw failure(JSON.parse(await body.text(1024 * 1024)));
  let answer = "";
  let tokenCount = 0;
  let tokensPerSecond = 0;
  const startedMs = performance.now();
  for await (const event of eventsOf(body)) {
    if (event.error) throw failure(event);
    const text = event.choices?.[0]?.delta?.content ?? "";
    if (text !== "" && tokenCount++ === 0) onAnswer();
    answer += text;
    tokensPerSecond = event.timings?.predicted_per_second ?? tokensPerSecond;
  }
  return {
    answer,
    tokenCount,
    tokensPerSecond: tokensPerSecond || tokenCount / ((performance.now() - startedMs) / 1_000),
    decision: headerValue(headers, "x-sollol-decision") ?? "",
    loadMs: Number(headerValue(headers, "x-sollol-load-ms") ?? 0),
  };
}

interface ChatEvent {
  error?: { message: string };
  choices?: { delta?: { content?: string | null } }[];
  timings?: { predicted_per_second?: number };
}

async function* eventsOf(body: { read(): Promise<Uint8Array | null> }): AsyncGenerator<ChatEvent> {
  const decoder = new TextDecoder();
  let text = "";
  for (let chunk = await body.read(); chunk !== null; chunk = await body.read()) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split("\n\n");
    text = events.pop()!;
    for (const event of events) {
      if (event.startsWith("data: {")) yield JSON.parse(event.slice("data: ".length));
    }
  }
}

function failure({ error }: ChatEvent): GatewayError {
  return new GatewayError("upstream_failed", error?.message ?? "The gateway answered without a reason");
}
