import type { UpstreamAddress } from "../../lib/http/address.ts";

/** A llama-server that names its model wherever the real one does, and says words that look as if they did. */
export class NamedLlamaServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Listens on a free port. @param model What it calls its model. */
  constructor(private readonly model: string) {
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
  }

  get address(): UpstreamAddress {
    return { transport: "tcp", hostname: "127.0.0.1", port: this.#server.addr.port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { stream = false, input } = await request.json();
    const { pathname } = new URL(request.url);
    const says = ANSWERS[pathname]?.(this.model, input);
    if (!says) return Response.json({});
    if (!stream) return Response.json(says.whole);
    return new Response(says.events, { headers: { "content-type": "text/event-stream" } });
  }
}

/** Nobody may take this for the name of a model. */
export const TRAP = `{"model":"trap"} "model": "trap"`;

const ID = { id: "x1", created: 1 };
const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const RESPONSE = { id: "resp_1", object: "response", created_at: 1 };
const TEXT = { type: "output_text", text: TRAP, annotations: [], logprobs: [] };
const ITEM = { id: "msg_1", type: "message", role: "assistant", status: "completed", content: [TEXT] };

interface Said {
  readonly whole: unknown;
  readonly events?: string;
}

const ANSWERS: Readonly<Record<string, (model: string, input: unknown) => Said>> = {
  "/v1/chat/completions": (model) => ({
    whole: {
      choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: TRAP } }],
      ...ID,
      model,
      usage: USAGE,
    },
    events: data({ choices: [{ index: 0, finish_reason: null, delta: { content: TRAP } }], ...ID, model }) +
      data({ choices: [{ index: 0, finish_reason: "stop", delta: {} }], ...ID, model }) + DONE,
  }),
  "/v1/completions": (model) => ({
    whole: { choices: [{ index: 0, finish_reason: "stop", text: TRAP }], ...ID, model, usage: USAGE },
    events: data({ choices: [{ index: 0, finish_reason: null, text: TRAP }], ...ID, model }) +
      data({ choices: [{ index: 0, finish_reason: "stop", text: "" }], ...ID, model }) + DONE,
  }),
  "/v1/responses": (model) => ({
    whole: { ...RESPONSE, model, status: "completed", output: [ITEM], usage: null },
    events: typed({ type: "response.created", response: RESPONSE }) +
      typed({ type: "response.output_item.added", item: { ...ITEM, content: [] } }) +
      typed({ type: "response.output_text.delta", item_id: "msg_1", delta: TRAP }) +
      typed({ type: "response.completed", response: { ...RESPONSE, model, output: [ITEM] } }),
  }),
  "/v1/messages": (model) => {
    const message = { id: "msg_1", type: "message", role: "assistant", model, stop_reason: "end_turn" };
    const usage = { input_tokens: 3, output_tokens: 2 };
    return {
      whole: { ...message, content: [{ type: "text", text: TRAP }], usage },
      events: typed({ type: "message_start", message: { ...message, content: [], usage } }) +
        typed({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }) +
        typed({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: TRAP } }) +
        typed({ type: "content_block_stop", index: 0 }) +
        typed({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage }) +
        typed({ type: "message_stop" }),
    };
  },
  "/v1/embeddings": (model, input) => ({
    whole: {
      object: "list",
      data: [input].flat().map((_, index) => ({ object: "embedding", index, embedding: [0.6, 0.8] })),
      model,
      usage: USAGE,
    },
  }),
  "/v1/rerank": (model) => ({
    whole: { model, results: [{ index: 0, relevance_score: 0.5 }], usage: USAGE },
  }),
};

const DONE = "data: [DONE]\n\n";

function data(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function typed(event: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${event.type}\n${data(event)}`;
}
