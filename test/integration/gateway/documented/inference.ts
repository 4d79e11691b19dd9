import type { GatewayBedOptions } from "../gateway_bed.ts";
import { MODEL, NodeRouteBed } from "../node_route_bed.ts";
import { type Ask, get, messages, type Place, post, told, tools } from "./ask.ts";

/** SHA-256 of `"hello"`, with its quotes. */
const SHA_OF_HELLO = "5aa762ae383fbb727af3c7a36d4940a5b8c40a989452d2304fc958ff3f354e7a";

/** What both kinds of upstream answer. */
function chatsWith(model: string): Ask[] {
  return [
    post("/v1/chat/completions", { model, messages }),
    post("/v1/chat/completions", { model, messages }, { headers: told }),
    post("/v1/chat/completions", { model, messages, stream: true, stream_options: { include_usage: true } }),
    post("/v1/chat/completions", { model, messages, stream: true }, { headers: told }),
  ];
}

const OLLAMA_ASKS: readonly Ask[] = [
  post("/api/chat", { model: MODEL, messages }),
  post("/api/chat", { model: MODEL, messages, stream: false }),
  post("/api/chat", { model: MODEL, messages, stream: false }, { headers: told }),
  post("/api/chat", { model: MODEL, messages, tools, stream: false }),
  post("/api/chat", { model: MODEL }),
  post("/api/chat", { model: MODEL, keep_alive: 0 }),
  post("/api/chat", { model: "none", messages }, { status: 404 }),
  post("/api/chat", { model: MODEL, messages: "hi" }, { status: 400 }),
  post("/api/generate", { model: MODEL, prompt: "once" }),
  post("/api/generate", { model: MODEL, prompt: "once", stream: false }),
  post("/api/generate", { model: MODEL }),
  post("/api/embed", { model: MODEL, input: ["a", "b"] }),
  post("/api/embeddings", { model: MODEL, prompt: "a" }),
  get("/api/ps"),
  get("/api/version"),
  get("/api/status"),
  post("/api/show", { model: MODEL }),
  post("/api/show", { model: "none" }, { status: 404 }),
  post("/api/pull", { model: "new:1b" }),
  post("/api/pull", { model: "new:1b", stream: false }),
  post("/api/push", { model: MODEL }),
  post("/api/create", { model: "mine", from: MODEL }),
  post("/api/copy", { source: MODEL, destination: "mine" }),
  { method: "DELETE", path: "/api/delete", body: { model: "mine" } },
  { method: "HEAD", path: `/api/blobs/sha256:${"0".repeat(64)}`, status: 404 },
  post(`/api/blobs/sha256:${SHA_OF_HELLO}`, "hello", { status: 201 }),
  { method: "HEAD", path: `/api/blobs/sha256:${SHA_OF_HELLO}` },
];

const ANTHROPIC_ASKS: readonly Ask[] = [
  post("/v1/messages", { model: MODEL, max_tokens: 9, messages }),
  post("/v1/messages", { model: MODEL, max_tokens: 9, messages, stream: true }),
  post("/v1/messages", { model: "none", max_tokens: 9, messages }, { status: 404 }),
  post("/v1/messages", { model: MODEL, max_tokens: 9, messages: "hi" }, { status: 400 }),
  post("/v1/messages/count_tokens", { model: MODEL, messages }),
];

/** An Ollama node behind the whole gateway. */
export const NODES: Place = {
  open: () => openNodes(),
  asks: [
    ...chatsWith(MODEL),
    post("/v1/chat/completions", { model: MODEL, messages, tools }),
    post("/v1/completions", { model: MODEL, prompt: "once" }),
    post("/v1/completions", { model: MODEL, prompt: "once", stream: true }),
    post("/v1/embeddings", { model: MODEL, input: ["a", "b"] }),
    post("/v1/embeddings", { model: MODEL, input: "a", encoding_format: "base64" }, { headers: told }),
    get("/v1/models"),
    get(`/v1/models/${MODEL}`),
    get("/v1/models/none", 404),
    post("/v1/chat/completions", { model: "none", messages }, { status: 404 }),
    post("/v1/chat/completions", { model: MODEL, messages: "hi" }, { status: 400 }),
    get("/api/tags"),
    get("/"),
    get("/health"),
    get("/metrics"),
    get(`/api/admin/route?model=${MODEL}`),
    get("/api/admin/route?model=none"),
    get("/api/admin/route?task=painting", 400),
    get("/api/admin/decisions"),
    get("/api/admin/loads"),
    ...OLLAMA_ASKS,
    ...ANTHROPIC_ASKS,
    post("/v1/responses", { model: MODEL, input: "hi" }),
    post("/v1/responses", { model: MODEL, input: "hi", stream: true }),
    post("/v1/responses", { model: "none", input: "hi" }, { status: 404 }),
    get("/openapi.json"),
    get("/docs"),
  ],
};

/** A coordinator of ours. */
export const COORDINATORS: Place = {
  open: () => openNodes({ models: ["fake"] }),
  asks: [...chatsWith("fake"), get("/v1/models/fake"), get("/health"), get("/api/admin/route?model=fake")],
};

/** A gateway that wants a key which nobody shows. */
export const GUARDED: Place = {
  open: () => openNodes({ config: "api_keys: [secret]" }),
  asks: [
    get("/health"),
    get("/", 200),
    get("/v1/models", 401),
    get("/api/tags", 401),
    post("/v1/chat/completions", { model: MODEL, messages }, { status: 401 }),
  ],
};

/** The gateway over one node, which has answered one chat. */
export async function openNodes(options: Omit<GatewayBedOptions, "nodes"> = {}) {
  const bed = await NodeRouteBed.open([{}], options);
  await bed.chat().then((response) => response.text()); // so that there is a decision to be told
  return Object.assign(bed, { url: bed.gateway.url });
}
