import { GatewayError } from "../errors.ts";

/**
 * The same error without where files lie on this host: clients learn their names alone. The log has the whole as its cause.
 */
export function withoutPaths(error: unknown): unknown {
  if (!(error instanceof GatewayError)) return error;
  const message = error.message.replaceAll(QUOTED_PATH, "$1$2$1");
  if (message === error.message) return error;
  const { code, retryAfterSeconds, field } = error;
  return new GatewayError(code, message, {
    cause: error,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(field !== undefined && { field }),
  });
}

/** An absolute path of two parts or more, in quotes of either kind. */
const QUOTED_PATH = /(["'])\/(?:[^"'\n/]+\/)+([^"'\n/]*)\1/g;
