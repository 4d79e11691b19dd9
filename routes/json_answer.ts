import type { Context } from "hono";
import type { AppEnv } from "./app_env.ts";

/** An answer of our own API as JSON. What is not known is `null`, so that every key is always there. */
export function jsonAnswer(c: Context<AppEnv>, value: unknown, status: 200 | 201 | 202 = 200): Response {
  const text = JSON.stringify(value, (_key, inner) => inner === undefined ? null : inner);
  return c.body(text, status, { "content-type": "application/json" });
}
