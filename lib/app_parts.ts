import type { Gateway } from "./gateway.ts";
import type { Logger } from "./log.ts";
import type { GatewayMetrics } from "./metrics/gateway_metrics.ts";

/** What the HTTP surface of a gateway is made from. */
export interface AppParts {
  /** Answers. */
  readonly gateway: Gateway;
  /** Not given: `/metrics` is not served. */
  readonly metrics: GatewayMetrics | undefined;
  /** For refusals and for errors that nobody understood. */
  readonly logger: Logger;
  /** Keys of which a client must show one; none: everybody is let in. */
  readonly apiKeys: readonly string[];
  /** Largest request body, bytes. */
  readonly maxBodyBytes: number;
  /** Of sollol, told at `/`. */
  readonly version: string;
}

/** Makes that surface; `main.ts` hands it in, since nothing in `lib/` may know the routes. */
export type CreateApp = (parts: AppParts) => { fetch(request: Request): Response | Promise<Response> };
