import type { Context } from "hono";
import type { AppEnv } from "./app_env.ts";

/** An answer of our own API as JSON. */
export function jsonAnswer(c: Context<AppEnv>, value: unknown, status: 200 | 201 | 202 = 200): Response {
  return c.body(jsonText(value), status, { "content-type": "application/json" });
}

/** A value as our own API writes it, in one line. What is not known is `null`, so that every key is always there. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => inner === undefined ? null : inner);
}
