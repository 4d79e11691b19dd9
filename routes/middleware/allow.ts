import type { Handler } from "hono";
import { GatewayError } from "../../lib/errors.ts";
import type { AppEnv } from "../app_env.ts";

/** Refuses every other method on a path that exists: 405, and which methods it knows. */
export function allow(...methods: string[]): Handler<AppEnv> {
  return function refuseMethod(c) {
    c.header("allow", methods.join(", "));
    const message = `${c.req.path} does not know ${c.req.method}; use ${methods.join(" or ")}`;
    throw new GatewayError("method_not_allowed", message);
  };
}
