import type { Config } from "../config/config.ts";
import type { ExternalCoordinators } from "../coordinator/external_coordinators.ts";
import type { ServingCoordinator } from "../coordinator/serving.ts";
import type { ModelToFind } from "../coordinator/sharded_model.ts";
import { GatewayError } from "../errors.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { CoordinatorPool } from "../pool/pool.ts";
import type { PoolDemand, Wanted } from "../pool/pooled.ts";
import type { ModelCatalog } from "./catalog.ts";
import { decide, type Refusal } from "./decide.ts";
import { describeWaitFor } from "./describe_wait.ts";
import { coordinatorRoute, externalRoute, type Route } from "./route.ts";

/** What a request asks of {@linkcode Upstreams}. */
export interface RouteDemand extends PoolDemand {
  /** The model as the client named it, if it did. */
  readonly model: string | undefined;
  /** URLs of the coordinators of others that could not be reached for it before. */
  readonly tried: ReadonlySet<string>;
}

/** What {@linkcode Upstreams} chooses among. */
export interface UpstreamParts {
  /** The operator's word; read at each decision. */
  readonly config: Pick<Config, "model" | "modelShardingEnabled">;
  /** Names, keys and files of all models. */
  readonly catalog: ModelCatalog;
  /** Our own coordinators. */
  readonly pool: CoordinatorPool<ServingCoordinator>;
  /** Those that somebody else runs. */
  readonly externals: ExternalCoordinators;
  /** How many rpc backends there are. */
  readonly backends: { readonly size: number };
  /** The way from a model to a coordinator of ours. */
  readonly toWanted: (model: ModelToFind) => Wanted<ServingCoordinator>;
}

/** Finds the upstream of a request: the decision from cached facts, and the lease that it needs. */
export class Upstreams {
  /** What models are called, by key, whatever their clients call them. */
  readonly #names = new Map<string, string>();

  /** Its parts stay the caller's to dispose. */
  constructor(private readonly parts: UpstreamParts) {}

  /**
   * Decides where a request goes, and waits for the right to send it there.
   *
   * @throws {GatewayError} `invalid_request` if no model is named; `model_not_found`; whatever keeps the model from being
   *   served. The signal's reason.
   */
  async acquire(demand: RouteDemand): Promise<Route> {
    const { catalog, config, backends, externals, pool } = this.parts;
    const name = this.nameOf(demand.model);
    const key = catalog.keyOf(name);
    const decision = decide({ model: name, key, tried: demand.tried }, {
      shardingEnabled: config.modelShardingEnabled,
      rpcBackendCount: backends.size,
      external: externals.facts,
    });
    if (decision.to === "external") {
      return externalRoute(externals.acquire(key, demand.tried)!, decision.because, undefined);
    }
    if (decision.to === "nowhere") {
      await this.#resolve(name, decision.unlessStored, demand.signal); // a model that does not exist is the client's mistake
      throw new GatewayError(decision.code, decision.because);
    }
    // The disk is read only for a model that is not loaded.
    const isLoaded = pool.ready(key) !== undefined;
    const model = isLoaded
      ? { key, name: this.#names.get(key) ?? name }
      : await this.#resolve(name, decision.unlessStored, demand.signal);
    const route = coordinatorRoute(await pool.acquire(this.#toWanted(model), demand), undefined);
    // Where somebody else's coordinator might have served, the reason why it did not belongs to the answer.
    return externals.size > 0 ? { ...route, because: `${route.because}. ${decision.because}` } : route;
  }

  /** The model that is meant. @throws {GatewayError} `invalid_request` if nobody names one. */
  nameOf(model: string | undefined): string {
    const name = model ?? this.parts.config.model;
    if (name !== undefined) return name;
    throw new GatewayError("invalid_request", `The request names no model; add "model"`, { field: "model" });
  }

  /** The way to a coordinator of ours for a model. @throws {GatewayError} `model_not_found`, `model_unusable`. */
  async wantedOf(name: string, signal: AbortSignal): Promise<Wanted<ServingCoordinator>> {
    return this.#toWanted(await this.parts.catalog.resolve(name, signal));
  }

  /** What a request for a model of ours waits for, as far as it is known: `"tiny:latest" to load, 43 %`. */
  describeWait(model: string | undefined): string {
    const { catalog, pool, config } = this.parts;
    const name = model ?? config.model ?? "";
    const view = pool.view(catalog.keyOf(name));
    return view ? describeWaitFor(view) : `"${name}"`;
  }

  async #resolve(
    name: string,
    unlessStored: Refusal | undefined,
    signal: AbortSignal,
  ): Promise<ResolvedModel> {
    try {
      const model = await this.parts.catalog.resolve(name, signal);
      this.#names.set(model.key, model.name);
      return model;
    } catch (error) {
      const isMissing = error instanceof GatewayError && error.code === "model_not_found";
      throw isMissing && unlessStored
        ? new GatewayError(unlessStored.code, unlessStored.because, { cause: error })
        : error;
    }
  }

  /** A later start finds the files again: they may be others by then. */
  #toWanted({ key, name }: Pick<ResolvedModel, "key" | "name">): Wanted<ServingCoordinator> {
    const { catalog, toWanted } = this.parts;
    return toWanted({ key, model: name, resolve: (signal) => catalog.resolve(name, signal) });
  }
}
