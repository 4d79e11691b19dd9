import { KEYS } from "../../fixtures/key_matrix.ts";
import { GatewayBed, type GatewayBedOptions } from "../gateway/gateway_bed.ts";

/** Keys of each kind, as a config file. */
export const CONFIG = Object.entries(KEYS).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join(
  "",
);

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
