import type { AnswerFraming, FakeOllamaExchange } from "./fake_ollama_exchange.ts";
import type { FakeOllamaMode } from "./fake_ollama_mode.ts";
import type { Treatment } from "./fake_ollama_mood.ts";

/** Tells an error as the API that was asked does; `isEarly` if OpenAI's refuses it before it is translated. */
export type SendError = (
  status: number,
  message: string,
  headers?: Readonly<Record<string, string>>,
  isEarly?: boolean,
) => void;

const FRAMINGS: Partial<Record<FakeOllamaMode, AnswerFraming>> = {
  truncated_json: "half",
  wrong_content_length: "announces_more",
  chunks_without_end: "without_end",
  huge_headers: "huge_head",
};

const PAGE = "<!DOCTYPE html><html><body><h1>Welcome to nginx!</h1></body></html>";
const ENDLESS_PIECE = '{"name":"endless:latest"},'.repeat(10_000);

/** Misbehaves in the place of an answer. @returns Whether there is nothing left to answer. */
export async function misbehave(
  exchange: FakeOllamaExchange,
  { mode, retryAfter, location }: Treatment,
  sendError: SendError,
): Promise<boolean> {
  const pause: Record<string, string> = retryAfter === undefined ? {} : { "Retry-After": retryAfter };
  exchange.framing = FRAMINGS[mode] ?? "sound";
  switch (mode) {
    case "busy_429":
      sendError(429, "too many requests", pause);
      return true;
    case "busy_503":
      sendError(503, BUSY_MESSAGE, pause);
      return true;
    case "error_500":
      sendError(500, "llama runner process has terminated: exit status 2");
      return true;
    case "error_in_200":
      sendError(200, "an error that nobody gave a status");
      return true;
    case "html":
      exchange.send(200, PAGE, { "Content-Type": "text/html" });
      return true;
    case "redirect":
      exchange.send(302, "", { Location: location });
      return true;
    case "error_500_after_headers":
      exchange.sendRaw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n500 Internal Server Error\r\n");
      await exchange.reset();
      return true;
    case "reset_before_answer":
      await exchange.reset();
      return true;
    case "endless_body":
      await sendWithoutEnd(exchange);
      return true;
    default:
      return false;
  }
}

/** What Ollama says when its queue is full. */
export const BUSY_MESSAGE = "server busy, please try again.  maximum pending requests exceeded";

async function sendWithoutEnd(exchange: FakeOllamaExchange): Promise<void> {
  exchange.beginStream("application/json; charset=utf-8", '{"models":[');
  while (!exchange.isOver) {
    exchange.sendPiece(ENDLESS_PIECE);
    await exchange.untilSent();
    await exchange.pause(0); // or a client that reads fast would starve all timers
  }
}
