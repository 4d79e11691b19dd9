import type { Config } from "../config/config.ts";
import type { ExternalCoordinators } from "../coordinator/external_coordinators.ts";
import type { ServingCoordinator } from "../coordinator/serving.ts";
import type { ModelToFind } from "../coordinator/sharded_model.ts";
import { type ErrorCode, GatewayError, messageOf } from "../errors.ts";
import { describeWake } from "../nodes/describe_node_wait.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { CoordinatorPool } from "../pool/pool.ts";
import type { PoolDemand, Wanted } from "../pool/pooled.ts";
import { fallbacksOf, resolveAlias } from "./aliases.ts";
import type { ModelCatalog } from "./catalog.ts";
import { decideRoute } from "./decide_route.ts";
import { type Candidate, type Decision, OUR_COORDINATORS, type Refusal, type Task } from "./decision.ts";
import { describeWaitFor } from "./describe_wait.ts";
import { explainRoute } from "./explain_route.ts";
import type { NodeSlots } from "./node_slots.ts";
import type { RouteFacts } from "./route_facts.ts";
import { coordinatorRoute, externalRoute, type Route } from "./route.ts";

/** What a request asks of {@linkcode Upstreams}. */
export interface RouteDemand extends PoolDemand {
  /** The model as the client named it, if it did. */
  readonly model: string | undefined;
  /** What kind of work it is. */
  readonly task: Task;
  /** Upstreams that failed it before, see `Demand.tried`. */
  readonly tried: ReadonlySet<string>;
  /** Where its client wants it to go. */
  readonly wish?: string | undefined;
  /** Stand for the beginnings of its conversation, see `conversationTurns`. */
  readonly turns?: readonly string[] | undefined;
  /** Hears what it waits for, whenever that is another thing. Must not throw. */
  readonly onWait?: ((describe: () => string) => void) | undefined;
}

/** What {@linkcode Upstreams} chooses among. */
export interface UpstreamParts {
  /** The operator's word; read at each decision. */
  readonly config: Pick<Config, "model" | "aliases" | "fallbacks">;
  /** What decisions rest on. */
  readonly facts: RouteFacts;
  /** Names, keys and files of all models. */
  readonly catalog: ModelCatalog;
  /** The slots of the Ollama nodes. */
  readonly slots: NodeSlots;
  /** Our own coordinators. */
  readonly pool: CoordinatorPool<ServingCoordinator>;
  /** Those that somebody else runs. */
  readonly externals: ExternalCoordinators;
  /** Takes note of a model of our own store, whose file tells what it needs. */
  readonly learn?: (model: ResolvedModel) => void;
  /** The way from a model to a coordinator of ours. */
  readonly toWanted: (model: ModelToFind) => Wanted<ServingCoordinator>;
}

/** Where a request would go, and why not elsewhere. */
export interface RouteExplanation {
  /** The model that is meant, aliases resolved. */
  readonly model: string;
  /** Where it would go now. */
  readonly decision: Decision;
  /** All that it could have gone to. */
  readonly candidates: readonly Candidate[];
  /** What is asked instead if it has no capacity. */
  readonly fallbacks: readonly string[];
}

/** What a fallback may help against: there is no room for the model, or nobody who can serve it. */
const NO_CAPACITY: ReadonlySet<ErrorCode> = new Set([
  "no_capacity",
  "insufficient_memory",
  "backend_unreachable",
  "rate_limited",
  "load_timeout",
]);

/** Finds the upstream of a request: the decision from cached facts, and the lease that it needs. */
export class Upstreams {
  /** What models are called, by key, whatever their clients call them. */
  readonly #names = new Map<string, string>();

  /** Its parts stay the caller's to dispose. */
  constructor(private readonly parts: UpstreamParts) {}

  /**
   * Decides where a request goes, and waits for the right to send it there. Where its model has no capacity, one of the
   * model's fallbacks answers.
   *
   * @throws {GatewayError} `invalid_request` if no model is named; `model_not_found`; whatever keeps the model from being
   *   served. The signal's reason.
   */
  async acquire(demand: RouteDemand): Promise<Route> {
    const said = this.nameOf(demand.model);
    const model = resolveAlias(said, this.parts.config.aliases);
    const note = model === said ? "" : `"${said}" is "${model}". `;
    try {
      return withNote(await this.#acquireModel(model, demand), note);
    } catch (error) {
      if (!isLackOfCapacity(error) || demand.signal.aborted) throw error;
      return await this.#acquireFallback(model, error, demand);
    }
  }

  /** Where a request would go now; nothing is sent, waited for or taken. @throws {GatewayError} `invalid_request`. */
  explain(model: string | undefined, { task, wish }: Pick<RouteDemand, "task" | "wish">): RouteExplanation {
    const { config, catalog, facts } = this.parts;
    const name = resolveAlias(this.nameOf(model), config.aliases);
    const key = catalog.keyOf(name);
    const fallbacks = fallbacksOf(name, config.fallbacks);
    return { model: name, ...explainRoute({ model: name, key, task, wish }, facts.of(key)), fallbacks };
  }

  /** Where a request for this model would go now, in short. */
  preview(model: string): Decision {
    const { config, catalog, facts } = this.parts;
    const name = resolveAlias(model, config.aliases);
    const key = catalog.keyOf(name);
    return decideRoute({ model: name, key }, facts.of(key));
  }

  /** The model that is meant. @throws {GatewayError} `invalid_request` if nobody names one. */
  nameOf(model: string | undefined): string {
    const name = model ?? this.parts.config.model;
    if (name !== undefined) return name;
    throw new GatewayError("invalid_request", `The request names no model; add "model"`, { field: "model" });
  }

  /** The way to a coordinator of ours for a model. @throws {GatewayError} `model_not_found`, `model_unusable`. */
  async wantedOf(name: string, signal: AbortSignal): Promise<Wanted<ServingCoordinator>> {
    const model = resolveAlias(name, this.parts.config.aliases);
    return this.#toWanted(await this.parts.catalog.resolve(model, signal));
  }

  /** What a request for a model of ours waits for, as far as it is known: `"tiny:latest" to load, 43 %`. */
  describeWait(model: string | undefined): string {
    const { catalog, pool, config } = this.parts;
    const name = resolveAlias(model ?? config.model ?? "", config.aliases);
    const view = pool.view(catalog.keyOf(name));
    return view ? describeWaitFor(view) : `"${name}"`;
  }

  async #acquireFallback(model: string, error: GatewayError, demand: RouteDemand): Promise<Route> {
    const troubles: string[] = [];
    for (const fallback of fallbacksOf(model, this.parts.config.fallbacks)) {
      try {
        const route = await this.#acquireModel(fallback, demand);
        return withNote(route, `"${model}" has no capacity (${error.message}), so "${fallback}" answers. `);
      } catch (thrown) {
        if (!(thrown instanceof GatewayError) || demand.signal.aborted) throw thrown;
        troubles.push(thrown.message);
      }
    }
    if (troubles.length === 0) throw error;
    throw new GatewayError(error.code, `${error.message}. No fallback helps: ${troubles.join(". ")}`, {
      cause: error,
    });
  }

  async #acquireModel(model: string, demand: RouteDemand): Promise<Route> {
    const key = this.parts.catalog.keyOf(model);
    const search = new Search(model, key, demand);
    for (;;) {
      const decision = this.#decide(search);
      const route = await this.#follow(decision, search);
      if (route) return search.trouble ? withNote(route, `${messageOf(search.trouble)}. `) : route;
    }
  }

  #decide(search: Pick<Search, "model" | "key" | "demand" | "tried" | "isStored">): Decision {
    const { model, key, demand: { task, wish, turns = [] }, tried } = search;
    const { slots } = this.parts;
    const affinity = turns.length > 0 ? slots.affinity.find(key, turns) : undefined;
    const facts = this.parts.facts.of(key);
    const isStored = search.isStored ?? facts.sharding.isStored;
    const seen = { ...facts, sharding: { ...facts.sharding, isStored } };
    return decideRoute({ model, key, task, wish, tried, affinity }, seen);
  }

  /** @returns `undefined` if it has to be decided anew. */
  async #follow(decision: Decision, search: Search): Promise<Route | undefined> {
    const { demand } = search;
    switch (decision.to) {
      case "node":
      case "line":
        return await this.parts.slots.acquire(decision, search, () => this.#decide(search));
      case "wake":
        search.wakes(decision.node.name);
        demand.onWait?.(() =>
          describeWake(decision.node.name, this.parts.slots.wakingMs(decision.node.name))
        );
        return await this.parts.slots.wake(decision.node, demand.signal);
      case "external":
        return this.#toExternal(decision, search);
      case "coordinator":
        return await this.#toCoordinator(decision, search);
      case "nowhere":
        // A model that does not exist is the client's mistake; and one may have come since the store was listed.
        await this.#resolve(search.model, decision.unlessStored, demand.signal, decision);
        if (search.finds()) return undefined;
        throw search.trouble ?? new GatewayError(decision.code, decision.because);
    }
  }

  #toExternal(
    { url: wanted, because }: Extract<Decision, { to: "external" }>,
    { key, demand, tried, model }: Search,
  ): Route {
    const { externals } = this.parts;
    const urls = externals.facts.map(({ url }) => url);
    const others = wanted === undefined ? [] : urls.filter((url) => url !== wanted);
    const lease = externals.acquire(key, new Set([...tried, ...others]))!;
    return externalRoute(lease, because, model === demand.model ? undefined : model);
  }

  async #toCoordinator(
    { because, unlessStored }: Extract<Decision, { to: "coordinator" }>,
    search: Search,
  ): Promise<Route | undefined> {
    const { pool, externals } = this.parts;
    const { key, model: name, demand } = search;
    try {
      // The disk is read only for a model that is not loaded.
      const isLoaded = pool.ready(key) !== undefined;
      const model = isLoaded
        ? { key, name: this.#names.get(key) ?? name }
        : await this.#resolve(name, unlessStored, demand.signal);
      demand.onWait?.(() => this.describeWait(name));
      const lease = await pool.acquire(this.#toWanted(model), demand);
      const route = coordinatorRoute(lease, name === demand.model ? undefined : name);
      // Where somebody else might have served, the reason why it did not belongs to the answer.
      const isToldWhy = externals.size > 0 || this.parts.slots.holderCount(key) > 0;
      return isToldWhy ? { ...route, because: `${route.because}. ${because}` } : route;
    } catch (error) {
      if (!this.#mayGoElsewhere(error, search)) throw error;
      search.fails(OUR_COORDINATORS, error);
      return undefined;
    }
  }

  /** Whether a node may serve what our own coordinators cannot. */
  #mayGoElsewhere(error: unknown, search: Search): boolean {
    if (!(error instanceof GatewayError) || search.demand.signal.aborted) return false;
    if (search.tried.has(OUR_COORDINATORS) || !MAY_PASS_ELSEWHERE.has(error.code)) return false;
    const next = this.#decide({ ...search, tried: new Set([...search.tried, OUR_COORDINATORS]) });
    return next.to === "node" || next.to === "line" || next.to === "wake" || next.to === "external";
  }

  async #resolve(
    name: string,
    unlessStored: Refusal | undefined,
    signal: AbortSignal,
    refused?: Refusal,
  ): Promise<ResolvedModel> {
    try {
      const model = await this.parts.catalog.resolve(name, signal);
      this.#names.set(model.key, model.name);
      this.parts.learn?.(model);
      return model;
    } catch (error) {
      const isMissing = error instanceof GatewayError && error.code === "model_not_found";
      // A model that some node holds exists, though our store has not got it.
      const isHeld = this.parts.slots.holderCount(this.parts.catalog.keyOf(name)) > 0;
      const told = isHeld ? refused ?? unlessStored : unlessStored;
      throw isMissing && told ? new GatewayError(told.code, told.because, { cause: error }) : error;
    }
  }

  /** A later start finds the files again: they may be others by then. */
  #toWanted({ key, name }: Pick<ResolvedModel, "key" | "name">): Wanted<ServingCoordinator> {
    const { catalog, toWanted } = this.parts;
    return toWanted({ key, model: name, resolve: (signal) => catalog.resolve(name, signal) });
  }
}

/** Failures of our own coordinators that say nothing of the request. */
const MAY_PASS_ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  ...NO_CAPACITY,
  "upstream_failed",
  "model_not_found",
  "model_unusable",
  "conflict",
]);

/** One search for an upstream that serves one model. */
class Search {
  /** What failed it so far, beside what had failed the request before. */
  tried: ReadonlySet<string>;
  /** Whether our store was seen to have the model. */
  isStored: true | undefined;
  /** What our own coordinators failed with. */
  trouble: GatewayError | undefined;
  readonly #woken = new Set<string>();

  constructor(readonly model: string, readonly key: string, readonly demand: RouteDemand) {
    this.tried = demand.tried;
  }

  fails(name: string, error: unknown): void {
    this.tried = new Set([...this.tried, name]);
    if (error instanceof GatewayError) this.trouble = error;
  }

  /** The model is in our store. @returns Whether that is news. */
  finds(): boolean {
    const isNews = !this.isStored;
    this.isStored = true;
    return isNews;
  }

  /** One that was up, and is down again before the request came to it, is not waited for again. */
  wakes(name: string): void {
    if (this.#woken.has(name)) this.tried = new Set([...this.tried, name]);
    this.#woken.add(name);
  }
}

function withNote(route: Route, note: string): Route {
  return note === "" ? route : { ...route, because: note + route.because };
}

function isLackOfCapacity(error: unknown): error is GatewayError {
  return error instanceof GatewayError && NO_CAPACITY.has(error.code);
}
