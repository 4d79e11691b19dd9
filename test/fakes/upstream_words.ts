/** What an upstream says when it streams, in the dialect of one of its endpoints. */
export interface UpstreamWords {
  /** Content type of the stream. */
  readonly type: string;
  /** The first piece of an answer. */
  readonly first: string;
  /** What says why the answer ended; the end itself follows. */
  readonly finish: string;
  /** What says that the answer is whole. */
  readonly end: string;
  /** How a failure is told. */
  readonly error: string;
  /** What begins an event, up to its JSON text of any length. */
  readonly open: string;
}

const SSE = "text/event-stream";
const NDJSON = "application/x-ndjson";

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const typed = (type: string, value: object) => `event: ${type}\n${data({ type, ...value })}`;
const line = (value: unknown) => `${JSON.stringify(value)}\n`;

function openai(object: string, piece: object, finish: object): UpstreamWords {
  const chunk = (choice: object) => ({ id: "x", object, model: "m", choices: [{ index: 0, ...choice }] });
  return {
    type: SSE,
    first: data(chunk({ ...piece, finish_reason: null })),
    finish: data(chunk({ ...finish, finish_reason: "stop" })),
    end: "data: [DONE]\n\n",
    error: data({ error: { message: "Compute error.", code: 500, type: "server_error" } }),
    open: `data: {"choices":[{"index":0,"delta":{"content":"`,
  };
}

function ollama(piece: object, last: object): UpstreamWords {
  const head = { model: "m", created_at: "2026-01-01T00:00:00Z" };
  return {
    type: NDJSON,
    first: line({ ...head, ...piece, done: false }),
    finish: "",
    end: line({ ...head, ...last, done: true, done_reason: "stop", eval_count: 1 }),
    error: line({ error: "Compute error." }),
    open: `{"model":"m","response":"`,
  };
}

const COMPLETION: UpstreamWords = {
  type: SSE,
  first: data({ content: "a", stop: false }),
  finish: "",
  end: data({ content: "", stop: true, stop_type: "eos", timings: {} }),
  error: data({ error: { message: "Compute error.", code: 500, type: "server_error" } }),
  open: `data: {"stop":false,"content":"`,
};

const MESSAGE = { id: "x", type: "message", role: "assistant", model: "m", content: [], usage: {} };

/** By the path at the upstream. */
export const UPSTREAM_WORDS: Readonly<Record<string, UpstreamWords>> = {
  "/v1/chat/completions": openai("chat.completion.chunk", { delta: { content: "a" } }, { delta: {} }),
  "/v1/completions": openai("text_completion", { text: "a" }, { text: "" }),
  "/v1/responses": {
    type: SSE,
    first: typed("response.created", { response: { id: "x", model: "m" } }) +
      typed("response.output_text.delta", { delta: "a" }),
    finish: typed("response.output_text.done", { text: "a" }),
    end: typed("response.completed", { response: { id: "x", model: "m" } }),
    error: typed("error", { code: "server_error", message: "Compute error." }),
    open: `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"`,
  },
  "/v1/messages": {
    type: SSE,
    first: typed("message_start", { message: MESSAGE }) +
      typed("content_block_start", { index: 0, content_block: { type: "text", text: "" } }) +
      typed("content_block_delta", { index: 0, delta: { type: "text_delta", text: "a" } }),
    finish: typed("content_block_stop", { index: 0 }) +
      typed("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 1 } }),
    end: typed("message_stop", {}),
    error: `event: error\n${data({ code: 500, message: "Compute error.", type: "server_error" })}`,
    open: `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"text":"`,
  },
  "/completion": COMPLETION,
  "/infill": COMPLETION,
  "/api/chat": ollama({ message: { role: "assistant", content: "a" } }, {
    message: { role: "assistant", content: "" },
  }),
  "/api/generate": ollama({ response: "a" }, { response: "" }),
};
