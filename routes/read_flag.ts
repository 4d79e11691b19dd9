import type { Context } from "hono";
import { GatewayError } from "../lib/errors.ts";
import type { AppEnv } from "./app_env.ts";

/**
 * Reads a query parameter that is `true` or `false`.
 *
 * @throws {GatewayError} `invalid_request` if it is anything else.
 */
export function readFlag(c: Context<AppEnv>, name: string, { otherwise }: { otherwise: boolean }): boolean {
  const text = c.req.query(name);
  if (text === undefined) return otherwise;
  if (text === "true" || text === "false") return text === "true";
  throw new GatewayError("invalid_request", `"${name}" must be true or false`, { field: name });
}
