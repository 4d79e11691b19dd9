import { GatewayBed, type GatewayBedOptions } from "../gateway/gateway_bed.ts";

/** Keys of each kind. */
export const CONFIG = `
auth:
  keys:
    - {name: chat, key: chat-key}
    - {name: ops, key: ops-key, scopes: [admin]}
    - {name: one, key: one-key, models: [fake], concurrency: 2, max_priority: 3}
    - {name: scrape, key: scrape-key, scopes: [metrics]}
worker_token: worker-secret
aliases: {nick: other, pet: fake}
`;

/** A chat with a model. */
export const CHAT = (model: string) => ({
  model,
  messages: [{ role: "user", content: "hi" }],
  max_tokens: 5,
});

/** A gateway with these keys, and two models. */
export function open(options: GatewayBedOptions = {}): Promise<GatewayBed> {
  return GatewayBed.open({ models: ["fake", "other"], config: CONFIG, ...options });
}

/** Asks for a route such as `GET /metrics` with a key. */
export async function ask(
  bed: GatewayBed,
  route: string,
  body: unknown,
  key: string | undefined,
): Promise<Response> {
  const [method = "", path = ""] = route.split(" ");
  const headers = {
    "content-type": "application/json",
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  };
  return await fetch(bed.url + path, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** Asks the chat of a model, `fake` by default, with a key. */
export async function chat(bed: GatewayBed, key: string, fields: Record<string, unknown> = {}) {
  const response = await bed.chat(fields, { headers: { "x-api-key": key } });
  return { response, status: response.status, body: await response.json() };
}
