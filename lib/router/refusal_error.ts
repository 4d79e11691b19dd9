import { GatewayError } from "../errors.ts";
import type { Refusal } from "./decision.ts";

/** A refusal as it is thrown: where it is the request that is wrong, that is where it asks to go. */
export function refusalError({ code, because }: Refusal, cause?: unknown): GatewayError {
  const field = code === "invalid_request" ? { field: "x-sollol-route" } : {};
  return new GatewayError(code, because, { ...(cause !== undefined && { cause }), ...field });
}

/** Whether somebody looked for a model in vain. */
export function isNotFound(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.code === "model_not_found";
}
