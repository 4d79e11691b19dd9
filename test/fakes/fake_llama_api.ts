import type { UpstreamAddress } from "../../lib/http/address.ts";

/** All that the gateway asks of a llama-server, answered for any body that is JSON. It asks for its key. */
export class FakeLlamaApi implements AsyncDisposable {
  /** Requests that came, but for checks. */
  askedCount = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Listens on a free port. */
  constructor(private readonly options: { readonly model: string; readonly apiKey: string }) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  get address(): UpstreamAddress {
    return { transport: "tcp", hostname: "127.0.0.1", port: this.#server.addr.port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    if (request.headers.get("authorization") !== `Bearer ${this.options.apiKey}`) {
      return refusal(401, "authentication_error", "Invalid API Key");
    }
    const { pathname } = new URL(request.url);
    if (request.method === "GET") return this.#tell(pathname);
    this.askedCount++;
    const said = await request.json().catch(() => undefined);
    if (said === undefined) {
      return refusal(500, "server_error", "[json.exception.parse_error.101] parse error");
    }
    const [whole, events] = this.#answersOf(pathname, said);
    if (said.stream !== true || events === undefined) return Response.json(whole);
    return new Response(events, { headers: { "content-type": "text/event-stream" } });
  }

  #tell(pathname: string): Response {
    const { model } = this.options;
    if (pathname === "/v1/models") {
      return Response.json({ object: "list", data: [{ id: model, object: "model" }] });
    }
    if (pathname === "/slots") return Response.json([{ id: 0, n_ctx: 4096, is_processing: false }]);
    return Response.json({
      status: "ok",
      default_generation_settings: { n_ctx: 4096 },
      total_slots: 64,
      model_alias: model,
      model_path: "/secret/path.gguf",
      chat_template: "{{ messages }}",
      build_info: "b11669-0",
    });
  }

  #answersOf(pathname: string, said: Readonly<Record<string, unknown>>): readonly [unknown, string?] {
    const { model } = this.options;
    switch (pathname) {
      case "/v1/chat/completions":
        return [{ ...CHAT, model }, CHAT_EVENTS];
      case "/v1/completions":
        return [
          { ...CHAT, model, object: "text_completion", choices: [{ ...STOP, text: "hello" }] },
          TEXT_EVENTS,
        ];
      case "/completion":
      case "/infill":
        return [
          { index: 0, content: "x", stop: true, model, tokens_predicted: 1, tokens_evaluated: 4 },
          INFILL,
        ];
      case "/v1/messages":
        return [{ ...MESSAGE, model }, messageEvents(model)];
      case "/v1/responses":
        return [
          { id: "resp_1", object: "response", model, status: "completed", output: [], usage: null },
          RESPONSE,
        ];
      case "/v1/embeddings":
        return [{ object: "list", model, data: listOf(said["input"]).map(vector), usage: USAGE }];
      case "/v1/rerank":
        return [{ model, object: "list", usage: USAGE, results: [{ index: 0, relevance_score: 0.5 }] }];
      case "/tokenize":
        return [{ tokens: [1, 2, 3] }];
      case "/detokenize":
        return [{ content: "hi" }];
      case "/apply-template":
        return [{ prompt: "user: hi" }];
      case "/v1/messages/count_tokens":
        return [{ input_tokens: 9 }];
      default:
        return [{}];
    }
  }
}

const STOP = { index: 0, finish_reason: "stop" };
const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const CHAT = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  choices: [{ ...STOP, message: { role: "assistant", content: "hello" } }],
  usage: USAGE,
};
const CHAT_EVENTS = [
  data({ choices: [{ index: 0, finish_reason: null, delta: { role: "assistant", content: null } }] }),
  data({ choices: [{ index: 0, finish_reason: null, delta: { content: "hello" } }] }),
  data({ choices: [{ ...STOP, delta: {} }] }),
  data({ choices: [], usage: USAGE, timings: { prompt_n: 3, predicted_n: 2 } }),
  "data: [DONE]\n\n",
].join("");
const TEXT_EVENTS = [
  data({ choices: [{ index: 0, finish_reason: null, text: "hello" }] }),
  data({ choices: [{ ...STOP, text: "" }], usage: USAGE }),
  "data: [DONE]\n\n",
].join("");
const INFILL = data({ index: 0, content: "x", stop: false }) + data({ index: 0, content: "", stop: true });
const RESPONSE = typed({ type: "response.created", response: { id: "resp_1" } }) +
  typed({ type: "response.output_text.delta", delta: "hello" }) +
  typed({ type: "response.completed", response: { id: "resp_1", status: "completed", output: [] } });
const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  content: [{ type: "text", text: "hello" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 2 },
};

function messageEvents(model: string): string {
  return [
    { type: "message_start", message: { ...MESSAGE, model, content: [], stop_reason: null } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hello" } },
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 2 },
    },
    { type: "message_stop" },
  ].map(typed).join("");
}

function listOf(input: unknown): readonly unknown[] {
  return Array.isArray(input) ? input : [input];
}

function vector(_text: unknown, index: number): unknown {
  return { object: "embedding", index, embedding: [0.6, 0.8] };
}

function data(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function typed(event: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${event.type}\n${data(event)}`;
}

function refusal(status: number, type: string, message: string): Response {
  return Response.json({ error: { code: status, type, message } }, { status });
}
