import type { Handler } from "hono";
import { GatewayError } from "../../lib/errors.ts";
import type { AppEnv } from "../app_env.ts";
import { errorResponse } from "./on_error.ts";

/** Answers every other method on a path that exists: 405, and which methods it knows. */
export function allow(...methods: string[]): Handler<AppEnv> {
  return function refuseMethod(c) {
    const message = `${c.req.path} does not know ${c.req.method}; use ${methods.join(" or ")}`;
    const response = errorResponse(c, new GatewayError("method_not_allowed", message), c.get("requestId"));
    response.headers.set("allow", methods.join(", "));
    return response;
  };
}
