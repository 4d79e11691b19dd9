import type { Context, ErrorHandler } from "hono";
import type { RefusalLog } from "../../lib/auth/refusal_log.ts";
import { GatewayError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { unknownModelFor } from "../../lib/router/other_models.ts";
import type { AppEnv } from "../app_env.ts";
import { dialectOf } from "../dialect_of.ts";
import { leftOf } from "../left_of.ts";
import { requestIdHeaders } from "./identify.ts";

/**
 * The one exit of all errors: failures that we understand in the client's dialect, anything else as a 500
 * whose body says only the request id that finds its stack in the log. Each leaves a line in the log.
 *
 * @param refusals Takes note of clients that may do nothing in place of the log, which any of them could fill.
 */
export function renderErrors(
  logger: Logger,
  refusals: Pick<RefusalLog, "add"> | undefined = undefined,
): ErrorHandler<AppEnv> {
  return (error, c) => {
    const requestId = c.get("requestId");
    const client = c.get("client");
    const request = { requestId, method: c.req.method, path: c.req.path };
    if (error instanceof GatewayError) {
      const { status } = error;
      const isStranger = client && (error.code === "unauthorized" || client.scopes.length === 0);
      if (isStranger && refusals) {
        const { address, hasUnknownKey } = client;
        refusals.add({ ...request, address, hasUnknownKey, status, error });
      } else if (!c.get("isRecorded")) {
        logger.info("request refused", { ...request, key: client?.key?.name, status, error });
      }
      return errorResponse(c, client?.access ? unknownModelFor(error, client.access) : error);
    }
    if (leftOf(c).aborted) return new Response(null, { status: 499 }); // nobody is there to read it
    logger.error("unexpected error", { ...request, error, stack: error.stack });
    const dialect = dialectOf(c.req.path, c.req.raw.headers);
    return c.json(dialect.errorBody(undefined, requestId), 500, requestIdHeaders(requestId, dialect));
  };
}

/** An understood failure as an error answer, with `Retry-After` where waiting helps. */
function errorResponse(c: Context<AppEnv>, error: GatewayError): Response {
  const requestId = c.get("requestId");
  const dialect = dialectOf(c.req.path, c.req.raw.headers);
  const headers: Record<string, string> = {
    "content-type": "application/json",
    ...requestIdHeaders(requestId, dialect),
  };
  if (error.retryAfterSeconds !== undefined) headers["retry-after"] = String(error.retryAfterSeconds);
  if (error.code === "unauthorized") headers["www-authenticate"] = 'Bearer, Basic realm="sollol"';
  const body = dialect.errorBody(error, requestId);
  return c.body(JSON.stringify(body), error.status as 500, headers);
}
