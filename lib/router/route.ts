import type { ExternalLease } from "../coordinator/external_coordinators.ts";
import type { ServingCoordinator } from "../coordinator/serving.ts";
import type { ServedModel } from "../dialects/served_model.ts";
import type { UpstreamAddress } from "../http/address.ts";
import type { HeaderList } from "../http/headers.ts";
import type { CoordinatorLease, Pooled } from "../pool/pooled.ts";
import type { NodeLease } from "../nodes/node.ts";
import { OUR_COORDINATORS } from "./decision.ts";

/** The chosen upstream of one attempt, and the right to use it until disposal. */
export interface Route extends Disposable {
  /** What kind of upstream it is, for the metrics. */
  readonly to: "coordinator" | "external" | "node";
  /** The upstream's name in headers and logs. */
  readonly upstream: string;
  /** By what it is left out of the next decision if it fails, see `Demand.tried`. */
  readonly triedAs: string;
  /** What the model is called there; `undefined`: as the client calls it. */
  readonly modelName: string | undefined;
  /** Where it is asked. */
  readonly address: UpstreamAddress;
  /** Path that stands before every target, such as `/llama`; often empty. */
  readonly basePath: string;
  /** Headers that every request to it carries: its own credentials. */
  readonly headers: HeaderList;
  /** The slot of a node, where it is one. */
  readonly node?: NodeLease;
  /** The model, as far as it is known: where a coordinator of ours serves it. */
  readonly served?: ServedModel | undefined;
  /** The process behind the upstream, where it is ours. */
  readonly process: Pick<Pooled, "dead" | "gone"> | undefined;
  /** Why the request goes there, one sentence. */
  readonly because: string;
  /** Waited for others' work, ms. */
  readonly queueMs: number;
  /** Waited for the model to load, ms; 0 if it was ready. */
  readonly loadMs: number;
  /** Aborts when the request is not to be waited for any longer, for the upstream hangs; the reason, a `GatewayError`, says so. */
  readonly lost?: AbortSignal;
  /** Takes note of the status of an answer, so that the next decision knows. */
  readonly reportAnswer?: (status: number) => void;
  /** Takes note of bytes of an answer: the upstream is at work. */
  readonly reportBytes?: () => void;
  /** Takes note of an answer that was whole. */
  readonly reportServed?: () => void;
  /** Takes note of a failed attempt, so that the next decision knows. */
  readonly reportFailure?: (thrown: unknown) => void;
}

/** The route to a coordinator of ours, for as long as its lease is held. */
export function coordinatorRoute(
  lease: CoordinatorLease<ServingCoordinator>,
  modelName: string | undefined,
): Route {
  const { coordinator, queueMs, loadMs } = lease;
  const { upstream, address, headers, because, served } = coordinator;
  return {
    to: "coordinator",
    upstream,
    triedAs: OUR_COORDINATORS,
    modelName,
    address,
    basePath: "",
    headers,
    served,
    process: coordinator,
    because,
    queueMs,
    loadMs,
    reportServed: () => lease.reportServed(),
    [Symbol.dispose]: () => lease[Symbol.dispose](),
  };
}

/** The route to a coordinator that somebody else runs, for as long as its lease is held. */
export function externalRoute(
  lease: ExternalLease,
  because: string,
  modelName: string | undefined,
): Route {
  const { url, address, basePath, headers } = lease.external;
  return {
    to: "external",
    upstream: url,
    triedAs: url,
    modelName,
    address,
    basePath,
    headers,
    process: undefined,
    because: lease.because === undefined ? because : `${because}; ${lease.because}`,
    queueMs: 0,
    loadMs: 0,
    lost: lease.lost,
    reportAnswer: (status) => lease.reportAnswer(status),
    reportBytes: () => lease.reportBytes(),
    reportFailure: (thrown) => lease.reportFailure(thrown),
    [Symbol.dispose]: () => lease[Symbol.dispose](),
  };
}

/** The route to a node, for as long as its lease is held. @param queueMs Waited for a slot of it, ms. */
export function nodeRoute(lease: NodeLease, because: string, queueMs: number): Route {
  const { name, address, basePath, headers } = lease.node;
  return {
    to: "node",
    upstream: name,
    triedAs: name,
    modelName: lease.modelName,
    address,
    basePath,
    headers,
    node: lease,
    process: undefined,
    because,
    queueMs,
    loadMs: 0,
    lost: lease.lost,
    reportBytes: () => lease.reportBytes(),
    [Symbol.dispose]: () => lease[Symbol.dispose](),
  };
}

/** The same route, with sentences that go before its reason. */
export function withNote(route: Route, note: string): Route {
  return note === "" ? route : { ...route, because: note + route.because };
}

/** What is the same in every question to the upstream of a route; `target` is a path of its dialect. */
export function postTo(
  { basePath, headers }: Route,
  target: string,
  body: Uint8Array<ArrayBuffer>,
): { method: string; target: string; headers: HeaderList; body: Uint8Array<ArrayBuffer> } {
  return {
    method: "POST",
    target: basePath + target,
    headers: [["content-type", "application/json"], ["accept-encoding", "identity"], ...headers],
    body,
  };
}
