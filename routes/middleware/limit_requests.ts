import type { Context, MiddlewareHandler } from "hono";
import type { LimitsConfig, TimeoutsConfig } from "../../lib/config/config.ts";
import { GatewayError } from "../../lib/errors.ts";
import { formatBytes } from "../../lib/units.ts";
import type { AppEnv } from "../app_env.ts";
import { setPatience } from "../body_chunks.ts";

/** No client sends as many; of many more the runtime itself would not read the request. */
const MAX_HEADER_COUNT = 100;

/** What requests are held to; read at each of them. */
export interface RequestLimits {
  /** How long a head may be. */
  readonly limits: Pick<LimitsConfig, "headerBytes">;
  /** For how long nothing of a body may come. */
  readonly timeouts: Pick<TimeoutsConfig, "clientBodyMs">;
}

/** Refuses requests with too long a head, and says for how long bodies are waited for. */
export function limitRequests(config: RequestLimits): MiddlewareHandler<AppEnv> {
  return function limitRequest(c, next) {
    checkHead(c, config.limits.headerBytes);
    setPatience(c.req.raw, config.timeouts.clientBodyMs);
    return next();
  };
}

/** As it was sent, but for headers of one name, which count once. @throws {GatewayError} `head_too_large`. */
function checkHead({ req }: Context<AppEnv>, maxBytes: number): void {
  let [headBytes, headerCount] = [req.url.length, 0];
  // An iterator over them costs as much again as they do.
  req.raw.headers.forEach((value, name) => {
    headBytes += name.length + value.length + OVERHEAD_BYTES;
    headerCount++;
  });
  if (headerCount > MAX_HEADER_COUNT) {
    throw tooLarge(`${headerCount} headers, and at most ${MAX_HEADER_COUNT} are read; send less`);
  }
  if (headBytes > maxBytes) {
    const limit = formatBytes(maxBytes);
    throw tooLarge(`more than ${limit} of address and headers; send less, or raise limits.header`);
  }
}

/** A colon, a space and the end of the line. */
const OVERHEAD_BYTES = 4;

function tooLarge(what: string): GatewayError {
  return new GatewayError("head_too_large", `The head of the request has ${what}`);
}
