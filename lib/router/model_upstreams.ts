import type { ExternalCoordinators } from "../coordinator/external_coordinators.ts";
import type { ServingCoordinator } from "../coordinator/serving.ts";
import type { ModelToFind } from "../coordinator/sharded_model.ts";
import { type ErrorCode, GatewayError, messageOf } from "../errors.ts";
import { describeWake } from "../nodes/describe_node_wait.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { CoordinatorPool } from "../pool/pool.ts";
import type { Wanted } from "../pool/pooled.ts";
import type { ModelCatalog } from "./catalog.ts";
import { decideRoute } from "./decide_route.ts";
import { type Decision, type Facts, OUR_COORDINATORS, type Refusal } from "./decision.ts";
import { describeWaitFor } from "./describe_wait.ts";
import { type ExplainedDecision, explainRoute } from "./explain_route.ts";
import { NO_CAPACITY } from "./fallbacks.ts";
import type { NodeSlots } from "./node_slots.ts";
import { isNotFound, refusalError } from "./refusal_error.ts";
import type { RouteFacts } from "./route_facts.ts";
import { sceneOf } from "./route_scene.ts";
import { requireServed } from "./require_served.ts";
import { type RouteDemand, RouteSearch } from "./route_search.ts";
import { coordinatorRoute, externalRoute, type Route, withNote } from "./route.ts";
import { withoutPaths } from "./without_paths.ts";

/** What {@linkcode ModelUpstreams} chooses among. */
export interface ModelUpstreamParts {
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

/** What is asked of {@linkcode ModelUpstreams.explain}. */
export type RouteQuestion = Pick<RouteDemand, "task" | "wish" | "only" | "signal">;

const NOBODY: ReadonlySet<string> = new Set();

/** Finds the upstream of a request for one model: the decision from cached facts, and the lease that it needs. */
export class ModelUpstreams {
  /** What models are called, by key, whatever their clients call them. */
  readonly #names = new Map<string, string>();

  /** Its parts stay the caller's to dispose. */
  constructor(private readonly parts: ModelUpstreamParts) {}

  /**
   * Decides where a request for a model goes, and waits for the right to send it there.
   *
   * @throws {GatewayError} `model_not_found`; whatever keeps the model from being served. The signal's reason.
   */
  async acquire(model: string, demand: RouteDemand): Promise<Route> {
    const search = new RouteSearch(model, this.parts.catalog.keyOf(model), demand);
    await this.#lookIfSharded(search);
    for (;;) {
      const decision = this.#decide(search);
      const route = await this.#follow(decision, search);
      if (!route) continue;
      const waited = { ...route, queueMs: route.queueMs + search.wakeMs };
      return search.trouble ? withNote(waited, `${messageOf(search.trouble)}. `) : waited;
    }
  }

  /**
   * Where a request for a model would go now, and a refusal in the words that it would hear; nothing is sent, waited for or
   * taken.
   */
  async explain(model: string, demand: RouteQuestion): Promise<ExplainedDecision> {
    const { task, wish, only, signal } = demand;
    const search = new RouteSearch(model, this.parts.catalog.keyOf(model), {
      ...demand,
      model,
      tried: NOBODY,
    });
    await this.#lookIfSharded(search);
    for (;;) {
      const explained = explainRoute({ model, key: search.key, task, wish, only }, this.#seen(search));
      const { decision } = explained;
      if (decision.to !== "nowhere") return explained;
      const error = await this.#refusalOf(decision, search);
      signal.throwIfAborted();
      if (!error) continue;
      const { code, message } = error;
      return { ...explained, decision: { ...decision, code, because: message } };
    }
  }

  /** Where a request for a model would go now, in short: nothing is looked at but memory. */
  preview(model: string): Decision {
    const key = this.parts.catalog.keyOf(model);
    return decideRoute({ model, key }, this.parts.facts.of(key));
  }

  #decide(search: RouteSearch, tried = search.tried): Decision {
    const { model, key, demand: { task, wish, only, turns = [] } } = search;
    const { slots } = this.parts;
    const affinity = turns.length > 0 ? slots.affinity.find(key, turns) : undefined;
    return decideRoute({ model, key, task, wish, only, tried, affinity }, this.#seen(search));
  }

  /** The facts, and what the search found out itself. */
  #seen({ key, isStored }: Pick<RouteSearch, "key" | "isStored">): Facts {
    const facts = this.parts.facts.of(key);
    return isStored === undefined ? facts : { ...facts, sharding: { ...facts.sharding, isStored } };
  }

  /** What is to be sharded if it can be does not go to a node only because nobody has looked into our store of late. */
  async #lookIfSharded(search: RouteSearch): Promise<void> {
    const { model, key, demand: { task, wish, only, tried, signal } } = search;
    const scene = sceneOf({ model, key, task, wish, only, tried }, this.parts.facts.of(key));
    if (scene.shardBecause === undefined || scene.trouble !== "unsure") return;
    const isFound = this.#resolve(model, signal).then(() => true, () => false);
    search.isStored = await isFound;
    signal.throwIfAborted();
  }

  /** @returns `undefined` if it has to be decided anew. */
  async #follow(decision: Decision, search: RouteSearch): Promise<Route | undefined> {
    const { demand } = search;
    switch (decision.to) {
      case "node":
      case "line":
        return await this.parts.slots.acquire(decision, search, () => this.#decide(search));
      case "wake":
        search.wakes(decision.node.name);
        demand.onWait?.(() => describeWake(decision.node.name));
        search.wakeMs += await this.parts.slots.wake(decision.node, demand.signal);
        return undefined;
      case "external":
        return this.#toExternal(decision, search);
      case "coordinator":
        return await this.#toCoordinator(decision, search);
      case "nowhere": {
        const error = await this.#refusalOf(decision, search);
        if (error) throw error;
        return undefined;
      }
    }
  }

  /**
   * What to answer where nobody can serve a request. A model that does not exist is the client's mistake; and one may have
   * come since the store was listed.
   *
   * @returns `undefined` if it has to be decided anew.
   */
  async #refusalOf(
    decision: Extract<Decision, { to: "nowhere" }>,
    search: RouteSearch,
  ): Promise<GatewayError | undefined> {
    try {
      await this.#resolve(search.model, search.demand.signal);
    } catch (error) {
      search.demand.signal.throwIfAborted();
      if (!isNotFound(error)) {
        const told = withoutPaths(error);
        if (told instanceof GatewayError) return told;
        throw error;
      }
      // A model that some node holds exists, though our store has not got it.
      const isHeld = this.parts.slots.holderCount(search.key) > 0;
      const told = isHeld ? decision : decision.unlessStored ?? this.#ifNothing(decision, search);
      return told ? refusalError(told, error) : error;
    }
    if (search.finds()) return undefined;
    return search.trouble ?? refusalError(decision);
  }

  /** Where nobody is known who could have any model, that is what is to be told. */
  #ifNothing(refusal: Refusal, { key }: RouteSearch): Refusal | undefined {
    const { nodeCount, external, sharding: { backendCount }, rules } = this.parts.facts.of(key);
    const isNothing = nodeCount + external.length + backendCount === 0 && rules.mode !== "single";
    return isNothing && !this.parts.catalog.hasStored
      ? { code: "model_not_found", because: refusal.because }
      : undefined;
  }

  #toExternal(
    { url: wanted, because }: Extract<Decision, { to: "external" }>,
    { key, demand, tried, model }: RouteSearch,
  ): Route {
    const { externals } = this.parts;
    const urls = externals.facts.map(({ url }) => url);
    const others = wanted === undefined ? [] : urls.filter((url) => url !== wanted);
    const lease = externals.acquire(key, new Set([...tried, ...others]))!;
    return externalRoute(lease, because, model === demand.model ? undefined : model);
  }

  async #toCoordinator(
    { because, unlessStored }: Extract<Decision, { to: "coordinator" }>,
    search: RouteSearch,
  ): Promise<Route | undefined> {
    const { pool, externals } = this.parts;
    const { key, model: name, demand } = search;
    const { signal, loadSignal = signal } = demand;
    try {
      // The disk is read only for a model that is not loaded.
      const isLoaded = pool.ready(key) !== undefined;
      const model = isLoaded
        ? { key, name: this.#names.get(key) ?? name }
        : await this.#resolveToLoad(name, unlessStored, loadSignal);
      demand.onWait?.(() => this.describeWait(name));
      const mayGoElsewhere = () => this.#isServedElsewhere(search);
      const lease = await pool.acquire(this.#toWanted(model), {
        ...demand,
        signal: loadSignal,
        mayGoElsewhere,
      });
      requireServed(lease, demand.task);
      const route = coordinatorRoute(lease, name === demand.model ? undefined : name);
      // Where somebody else might have served, the reason why it did not belongs to the answer.
      const isToldWhy = externals.size > 0 || this.parts.slots.holderCount(key) > 0;
      return isToldWhy ? { ...route, because: `${route.because}. ${because}` } : route;
    } catch (error) {
      const told = withoutPaths(error);
      if (!this.#mayGoElsewhere(told, search)) throw told;
      search.fails(OUR_COORDINATORS, told);
      return undefined;
    }
  }

  /** Whether another upstream may serve what our own coordinators cannot. */
  #mayGoElsewhere(error: unknown, search: RouteSearch): boolean {
    if (!(error instanceof GatewayError) || search.demand.signal.aborted) return false;
    return MAY_PASS_ELSEWHERE.has(error.code) && this.#isServedElsewhere(search);
  }

  /** Whether another upstream would serve it if our own coordinators did not. */
  #isServedElsewhere(search: RouteSearch): boolean {
    if (search.tried.has(OUR_COORDINATORS)) return false;
    const next = this.#decide(search, new Set([...search.tried, OUR_COORDINATORS]));
    return next.to === "node" || next.to === "line" || next.to === "wake" || next.to === "external";
  }

  async #resolve(name: string, signal: AbortSignal): Promise<ResolvedModel> {
    const model = await this.parts.catalog.resolve(name, signal);
    this.#names.set(model.key, model.name);
    this.parts.learn?.(model);
    return model;
  }

  async #resolveToLoad(
    name: string,
    unlessStored: Refusal | undefined,
    signal: AbortSignal,
  ): Promise<ResolvedModel> {
    try {
      return await this.#resolve(name, signal);
    } catch (error) {
      throw isNotFound(error) && unlessStored ? refusalError(unlessStored, error) : error;
    }
  }

  /** The way to a coordinator of ours for a model. @throws {GatewayError} `model_not_found`, `model_unusable`. */
  async wantedOf(model: string, signal: AbortSignal): Promise<Wanted<ServingCoordinator>> {
    return this.#toWanted(await this.parts.catalog.resolve(model, signal));
  }

  /** What a request for a model of ours waits for, as far as it is known: `"tiny:latest" to load, 43 %`. */
  describeWait(model: string): string {
    const { catalog, pool } = this.parts;
    const view = pool.view(catalog.keyOf(model));
    return view ? describeWaitFor(view) : `"${model}"`;
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
