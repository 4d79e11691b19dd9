import type { ClientAccess } from "./auth/client_access.ts";
import type { BackendAdmin } from "./backend_admin.ts";
import type { ClientWatch } from "./client_watch.ts";
import type { Config } from "./config/config.ts";
import type { CoordinatorAdmin } from "./coordinator_admin.ts";
import type { Gateway } from "./gateway.ts";
import type { Logger } from "./log.ts";
import type { GatewayMetrics } from "./metrics/gateway_metrics.ts";
import type { ModelOrders } from "./model_management/model_order.ts";
import type { NodeAdmin } from "./node_admin.ts";
import type { OllamaListing } from "./ollama_listing.ts";
import type { LoadedLook } from "./router/loaded_look.ts";
import type { ModelShow } from "./show_model.ts";
import type { LoadStore } from "./store/load_store.ts";
import type { PlanService } from "./plan_service.ts";
import type { BatchService } from "./tasks/batch.ts";
import type { ModelUnloading } from "./unload_model.ts";

/** What the HTTP surface of a gateway is made from. */
export interface AppParts {
  /** Answers. */
  readonly gateway: Gateway;
  /** Takes what operators and workers say of rpc backends. */
  readonly backends: BackendAdmin;
  /** Takes what operators say of Ollama nodes. */
  readonly nodes: NodeAdmin;
  /** What nodes and coordinators have in memory, told as one Ollama's. */
  readonly listing: Pick<OllamaListing, "version" | "running">;
  /** Tells what is known of a model. */
  readonly show: Pick<ModelShow, "show">;
  /** Unloads models wherever they are in memory. */
  readonly unloading: ModelUnloading;
  /** Has the nodes pull, make and delete models. */
  readonly management: ModelOrders;
  /** Shows what the llama-servers tell that have their model loaded. */
  readonly loaded: Pick<LoadedLook, "look">;
  /** Keeps and runs what clients want done in the background. */
  readonly batches: BatchService;
  /** Takes what operators say of coordinators. */
  readonly coordinators: CoordinatorAdmin;
  /** Notices clients that leave while they wait. */
  readonly clients: Pick<ClientWatch, "watch">;
  /** Aborts when the gateway begins to shut down: streams that would last for ever end then. */
  readonly closing: AbortSignal;
  /** Plans without loading. */
  readonly plans: Pick<PlanService, "plan">;
  /** What earlier loads took. */
  readonly loads: Pick<LoadStore, "recent">;
  /** Not given: `/metrics` is not served. */
  readonly metrics: GatewayMetrics | undefined;
  /** Knows clients, and what each may do. */
  readonly access: ClientAccess;
  /** For refusals and for errors that nobody understood. */
  readonly logger: Logger;
  /** The operator's word on web pages and sizes; read at each request. */
  readonly config: Pick<Config, "listen" | "origins" | "limits" | "timeouts" | "batch">;
  /** Of sollol, told at `/`. */
  readonly version: string;
  /** Why the program should be restarted, in one sentence. Not given: it never should. */
  readonly restartNeeded?: (() => string | undefined) | undefined;
}

/** Makes that surface; `main.ts` hands it in, since nothing in `lib/` may know the routes. */
export type CreateApp = (parts: AppParts) => {
  /** `peer` says who asks, where the server knows. */
  fetch(request: Request, peer?: Deno.ServeHandlerInfo<Deno.NetAddr>): Response | Promise<Response>;
};
