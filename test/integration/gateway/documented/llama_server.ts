import { get, messages, type Place, post } from "./ask.ts";
import { openNodes } from "./inference.ts";

const RANKER = "ranker";
const RANKING = { model: RANKER, query: "a", documents: ["a", "b"] };

/** A coordinator of others that answers as llama-server does. */
export const EXTERNAL: Place = {
  async open() {
    const llama = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answerAsLlamaServer);
    const bed = await openNodes({ config: `coordinators: [{ url: "http://127.0.0.1:${llama.addr.port}" }]` });
    const dispose = async () => {
      await bed[Symbol.asyncDispose]();
      await llama.shutdown();
    };
    return { url: bed.url, [Symbol.asyncDispose]: dispose };
  },
  asks: [
    post("/v1/rerank", RANKING),
    post("/v1/reranking", RANKING),
    post("/v1/rerank", { model: RANKER, query: "a", texts: ["a", "b"] }),
    post("/v1/rerank", { model: RANKER, query: "a" }, { status: 400 }),
    post("/tokenize", { model: RANKER, content: "hi" }),
    post("/tokenize", { model: RANKER }, { status: 400 }),
    post("/detokenize", { model: RANKER, tokens: [1, 2] }),
    post("/apply-template", { model: RANKER, messages }),
    post("/infill", { model: RANKER, input_prefix: "a", input_suffix: "b" }),
    post("/infill", { model: RANKER, input_prefix: "a", input_suffix: "b", stream: true }),
    post("/v1/messages/count_tokens", { model: RANKER, messages }),
    post("/v1/messages", { model: RANKER, max_tokens: 9, messages }),
    post("/v1/messages", { model: RANKER, max_tokens: 9, messages, stream: true }),
    post("/api/chat", { model: RANKER, messages }),
    post("/api/chat", { model: RANKER, messages, stream: false }),
    post("/api/generate", { model: RANKER, prompt: "once" }),
    post("/api/embed", { model: RANKER, input: "a" }),
    post("/api/embeddings", { model: RANKER, prompt: "a" }),
    get(`/props?model=${RANKER}`),
    get(`/slots?model=${RANKER}`),
    get("/props?model=none", 404),
    get("/slots?model=llama3:8b", 409),
  ],
};

const INFILL_EVENTS = [
  {
    index: 0,
    content: "h",
    tokens: [331],
    stop: false,
    id_slot: 0,
    tokens_predicted: 1,
    tokens_evaluated: 9,
  },
  { index: 0, content: "", tokens: [], id_slot: 0, stop: true, model: RANKER, stop_type: "eos", timings: {} },
].map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");

async function answerAsLlamaServer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const said = request.method === "POST" ? await request.json() : {};
  const answer = (said.stream ? LLAMA_STREAMS : said.texts ? LLAMA_TEXTS : LLAMA_ANSWERS)[pathname];
  if (answer === undefined) return new Response("{}", { status: 404 });
  const body = answer instanceof URL ? await Deno.readTextFile(answer) : answer;
  const type = said.stream ? "text/event-stream" : "application/json";
  return new Response(typeof body === "string" ? body : JSON.stringify(body), {
    headers: { "content-type": type },
  });
}

function recorded(path: string): URL {
  return new URL(`../../../fixtures/${path}`, import.meta.url);
}

/** What a llama-server streams: the events, or where they are recorded. */
const LLAMA_STREAMS: Readonly<Record<string, unknown>> = {
  "/infill": INFILL_EVENTS,
  "/v1/chat/completions": recorded("llama_server_streams/usage.sse"),
  "/v1/messages": recorded("llama_server_messages/tool_use.sse"),
};

const LLAMA_TEXTS = { "/v1/rerank": [{ index: 1, score: 0.5 }, { index: 0, score: 0.1 }] } as Record<
  string,
  unknown
>;

const LLAMA_ANSWERS: Readonly<Record<string, unknown>> = {
  "/health": { status: "ok" },
  "/v1/models": { object: "list", data: [{ id: RANKER, object: "model", created: 1, owned_by: "llamacpp" }] },
  "/v1/rerank": {
    model: RANKER,
    object: "list",
    usage: { prompt_tokens: 8, total_tokens: 8 },
    results: [{ index: 1, relevance_score: 0.9 }, { index: 0, relevance_score: -2.5 }],
  },
  "/v1/chat/completions": recorded("llama_server_streams/reasoning.json"),
  "/v1/messages": recorded("llama_server_messages/tool_use.json"),
  "/v1/embeddings": {
    object: "list",
    model: RANKER,
    data: [{ object: "embedding", index: 0, embedding: [0.6, 0.8] }],
    usage: { prompt_tokens: 2, total_tokens: 2 },
  },
  "/tokenize": { tokens: [15043, 29871] },
  "/detokenize": { content: "hi" },
  "/apply-template": { prompt: "user: hi" },
  "/infill": { index: 0, content: "x", stop: true, model: RANKER, tokens_predicted: 1, tokens_evaluated: 4 },
  "/v1/messages/count_tokens": { input_tokens: 9 },
  "/props": {
    default_generation_settings: { n_ctx: 4096, params: { temperature: 0.8 } },
    total_slots: 4,
    model_alias: RANKER,
    model_path: "/secret/path.gguf",
    chat_template: "{{ messages }}",
    build_info: "b11669-0",
  },
  "/slots": [{ id: 0, n_ctx: 4096, is_processing: false }],
};
