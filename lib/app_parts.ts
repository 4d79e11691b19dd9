import type { BackendAdmin } from "./backend_admin.ts";
import type { Gateway } from "./gateway.ts";
import type { Logger } from "./log.ts";
import type { GatewayMetrics } from "./metrics/gateway_metrics.ts";
import type { LoadStore } from "./store/load_store.ts";
import type { PlanService } from "./plan_service.ts";

/** What the HTTP surface of a gateway is made from. */
export interface AppParts {
  /** Answers. */
  readonly gateway: Gateway;
  /** Takes what operators and workers say of rpc backends. */
  readonly backends: BackendAdmin;
  /** Plans without loading. */
  readonly plans: Pick<PlanService, "plan">;
  /** What earlier loads took. */
  readonly loads: Pick<LoadStore, "recent">;
  /** Not given: `/metrics` is not served. */
  readonly metrics: GatewayMetrics | undefined;
  /** For refusals and for errors that nobody understood. */
  readonly logger: Logger;
  /** Keys of which a client must show one; none: everybody is let in. */
  readonly apiKeys: readonly string[];
  /** What a worker must show instead; not given: one of the API keys, too. */
  readonly workerToken: string | undefined;
  /** Largest request body, bytes. */
  readonly maxBodyBytes: number;
  /** Of sollol, told at `/`. */
  readonly version: string;
}

/** Makes that surface; `main.ts` hands it in, since nothing in `lib/` may know the routes. */
export type CreateApp = (parts: AppParts) => {
  /** `peer` says who asks, where the server knows. */
  fetch(request: Request, peer?: Deno.ServeHandlerInfo<Deno.NetAddr>): Response | Promise<Response>;
};
