import { type Context, Hono } from "hono";
import type { ClientWatch } from "../lib/client_watch.ts";
import { decodeOllamaCopy, decodeOllamaOrder, type OllamaOrder } from "../lib/dialects/ollama_orders.ts";
import { GatewayError } from "../lib/errors.ts";
import type { StreamedBody } from "../lib/http/request_head.ts";
import type { BlobOrder, ModelOrders } from "../lib/model_management/model_order.ts";
import { isDigest } from "../lib/ollama/manifest.ts";
import type { AppEnv } from "./app_env.ts";
import { chunksOf } from "./body_chunks.ts";
import { leftOf } from "./left_of.ts";
import { allow } from "./middleware/allow.ts";
import { orderAnswer, progressAnswer } from "./order_answer.ts";
import { readBody } from "./read_body.ts";
import { readNodeWish } from "./read_node_wish.ts";

/** How bodies are read. */
export interface OllamaManagementOptions {
  /** The most bytes that a body may have, but for blobs; read at each request. */
  readonly maxBodyBytes: () => number;
  /** Notices clients that leave while nothing is told. */
  readonly clients: Pick<ClientWatch, "watch">;
}

/** Orders whose progress is told, and what Ollama says where they name no model. */
const LONG_ORDERS = {
  pull: "invalid model name",
  push: "model is required",
  create: "invalid model name",
} as const;

/** Where models are managed, below `/api`; also what is refused to everybody. */
export const MANAGEMENT_PATHS: readonly string[] = [
  ...Object.keys(LONG_ORDERS).map((verb) => `/${verb}`),
  "/copy",
  "/delete",
  "/blobs/*",
  "/me",
  "/signout",
  "/user/*",
];

/**
 * Ollama's management of models, at the nodes: pull, push, create, copy, delete, blobs. What belongs to a person at
 * ollama.com is refused. Mounted at `/api`, behind those who may manage.
 */
export function ollamaManagementRoutes(
  management: ModelOrders,
  { maxBodyBytes, clients }: OllamaManagementOptions,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const read = async (c: Context<AppEnv>, decode: (body: Uint8Array) => OllamaOrder) => {
    const wish = readNodeWish(c.req.raw.headers);
    const order = decode(await readBody(c.req.raw, maxBodyBytes()));
    return { ...order, wish, requestId: c.get("requestId") };
  };
  for (const [verb, complaint] of Object.entries(LONG_ORDERS) as [keyof typeof LONG_ORDERS, string][]) {
    routes.post(`/${verb}`, async (c) => {
      const order = await read(c, (body) => decodeOllamaOrder(body, complaint));
      const start = (signal: AbortSignal) => management[verb](order, signal);
      return await progressAnswer(c, start, { isStream: order.stream, clients });
    });
    routes.all(`/${verb}`, allow("POST"));
  }

  routes.post("/copy", async (c) => {
    return orderAnswer(c, await management.copy(await read(c, decodeOllamaCopy), leftOf(c)));
  });
  routes.all("/copy", allow("POST"));

  routes.delete("/delete", async (c) => {
    const order = await read(c, (body) => decodeOllamaOrder(body, "model is required"));
    return orderAnswer(c, await management.delete(order, leftOf(c)));
  });
  routes.all("/delete", allow("DELETE"));

  routes.on(["GET", "POST"], "/blobs/:digest", async (c, next) => {
    if (c.req.method === "HEAD") return orderAnswer(c, await management.findBlob(blobOrder(c), leftOf(c)));
    if (c.req.method !== "POST") return await next();
    return orderAnswer(c, await management.putBlob(blobOrder(c), blobOf(c.req.raw), leftOf(c)));
  });
  routes.all("/blobs/:digest", allow("HEAD", "POST"));

  for (const path of ["/me", "/signout", "/user/keys/:key"]) routes.all(path, refuseAccounts);
  return routes;
}

function refuseAccounts(): never {
  throw new GatewayError(
    "forbidden",
    "Accounts at ollama.com belong to each node; sign in or out at the node itself",
  );
}

function blobOrder(c: Context<AppEnv>): BlobOrder {
  return { digest: digestOf(c), wish: readNodeWish(c.req.raw.headers), requestId: c.get("requestId") };
}

function digestOf(c: Context<AppEnv>): string {
  const digest = c.req.param("digest") ?? "";
  if (isDigest(digest)) return digest;
  throw new GatewayError("invalid_request", "invalid digest format", { field: "digest" });
}

/** A blob as its client sends it. */
function blobOf(request: Request): StreamedBody {
  const { headers, body } = request;
  const declared = headers.get("content-length");
  return {
    lengthBytes: declared === null ? (body ? undefined : 0) : Number(declared),
    pieces: chunksOf(request, { what: "a blob" }),
  };
}
