import type { RpcBackendConfig } from "../config/config.ts";
import type { BackendLimits, BackendView } from "../rpc/backend.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../rpc/endpoint.ts";
import type { StoredBackend } from "../store/backend_store.ts";

/** An rpc backend that somebody named. */
export interface KnownBackend {
  /** Where it is. */
  readonly endpoint: Endpoint;
  /** What the operator allows. */
  readonly limits: BackendLimits;
  /** What the gateway that runs says of it; `undefined` if none runs, or it does not know it. */
  readonly view: BackendView | undefined;
}

/** Who names backends. */
export interface BackendNamings {
  /** Of the configuration. */
  readonly configured: readonly RpcBackendConfig[];
  /** Of the state directory. */
  readonly stored: readonly Pick<StoredBackend, "endpoint" | "limits">[];
  /** Of the gateway that runs; workers' are among them. */
  readonly views: readonly BackendView[];
}

/** All that were named, each once; what the gateway knows to be two names of one counts as one. */
export function knownBackends({ configured, stored, views }: BackendNamings): KnownBackend[] {
  const known = new Map<string, KnownBackend>();
  const aliases = new Set(views.flatMap((view) => view.aliases));
  const add = (text: string, limits: BackendLimits, view?: BackendView) => {
    if (known.has(text) || (!view && aliases.has(text))) return;
    known.set(text, { endpoint: parseEndpoint(text), limits, view });
  };
  for (const view of views) add(view.endpoint, view.limits, view);
  for (const backend of configured) add(formatEndpoint(backend), backend.limits);
  for (const { endpoint, limits } of stored) add(endpoint, limits);
  return [...known.values()];
}

/** Whether the way to a backend never leaves this host, as its address says. */
export function isOnLoopback(endpoint: string): boolean {
  return endpoint.startsWith("127.") || endpoint.startsWith("localhost:");
}
