import type { ModelAccess } from "../auth/model_access.ts";
import type { Config } from "../config/config.ts";
import type { ServingCoordinator } from "../coordinator/serving.ts";
import { GatewayError } from "../errors.ts";
import type { Wanted } from "../pool/pooled.ts";
import { fallbacksOf, resolveAlias } from "./aliases.ts";
import type { Decision } from "./decision.ts";
import type { ExplainedDecision } from "./explain_route.ts";
import { fallbackNote, isLackOfCapacity, lacksCapacity, noFallbackHelps } from "./fallbacks.ts";
import { type ModelUpstreamParts, ModelUpstreams, type RouteQuestion } from "./model_upstreams.ts";
import { isPermitted, notPermitted } from "./model_permission.ts";
import { isNotFound } from "./refusal_error.ts";
import type { RouteDemand } from "./route_search.ts";
import { type Route, withNote } from "./route.ts";

/** What {@linkcode Upstreams} chooses among. */
export interface UpstreamParts extends ModelUpstreamParts {
  /** The operator's word; read at each decision. */
  readonly config: Pick<Config, "model" | "aliases" | "fallbacks">;
}

/** Where a request would go, and why not elsewhere. */
export interface RouteExplanation extends ExplainedDecision {
  /** The model that is meant, aliases resolved. */
  readonly model: string;
  /** What is asked instead if it has no capacity. */
  readonly fallbacks: readonly string[];
  /** Of these, the one that would answer now; the decision and its candidates are those of that one. */
  readonly answeredBy: string | undefined;
}

/** What a client's word for a model stands for. */
interface MeantModel {
  readonly model: string;
  /** Says so; empty if it was the model's own name. */
  readonly note: string;
  readonly fallbacks: readonly string[];
}

/** Finds the upstream of a request: of the model that is meant, or of one that answers instead. */
export class Upstreams {
  readonly #models: ModelUpstreams;

  /** Its parts stay the caller's to dispose. */
  constructor(private readonly parts: UpstreamParts) {
    this.#models = new ModelUpstreams(parts);
  }

  /**
   * Decides where a request goes, and waits for the right to send it there. Where its model has no capacity, one of the
   * model's fallbacks answers.
   *
   * @throws {GatewayError} `invalid_request` if no model is named, or what it asks for cannot be; `forbidden` if its client
   *   may not use the model; `model_not_found`; whatever keeps the model from being served. The signal's reason.
   */
  async acquire(demand: RouteDemand): Promise<Route> {
    const meant = this.#meantBy(this.nameOf(demand.model));
    this.requirePermitted(demand.model, demand.access);
    try {
      return withNote(await this.#models.acquire(meant.model, demand), meant.note);
    } catch (error) {
      if (demand.signal.aborted) throw error;
      if (isLackOfCapacity(error)) {
        return withNote(await this.#acquireFallback(meant, error, demand), meant.note);
      }
      throw isNotFound(error) ? noted(error, meant.note) : error;
    }
  }

  /**
   * Where a request would go now; nothing is sent, waited for or taken. Our own store is looked at for a model that nobody
   * can serve, as it would be for a request.
   *
   * @throws {GatewayError} `invalid_request` if no model is named. The signal's reason.
   */
  async explain(model: string | undefined, demand: RouteQuestion): Promise<RouteExplanation> {
    const { model: name, fallbacks, note } = this.#meantBy(this.nameOf(model));
    const own = await this.#models.explain(name, demand);
    const told = { ...own, model: name, fallbacks, answeredBy: undefined };
    const { decision } = own;
    if (decision.to === "nowhere" && decision.code === "model_not_found") {
      return { ...told, decision: because(decision, note + decision.because) };
    }
    if (!lacksCapacity(decision)) return told;
    const troubles: string[] = [];
    for (const fallback of fallbacks) {
      const other = await this.#models.explain(fallback, demand);
      const reason = other.decision.because;
      if (other.decision.to !== "nowhere") {
        const sentence = fallbackNote(name, decision.because, fallback) + reason;
        return { ...told, ...other, decision: because(other.decision, sentence), answeredBy: fallback };
      }
      troubles.push(reason);
    }
    if (troubles.length === 0) return told;
    return { ...told, decision: because(decision, noFallbackHelps(decision.because, troubles)) };
  }

  /**
   * Where a request for this model would go now, in short: nothing is looked at but memory.
   *
   * @param access The models that its client may use; default: all.
   */
  preview(model: string, access?: ModelAccess): Decision {
    const { model: name, fallbacks } = this.#meantBy(model);
    const decision = this.#models.preview(name);
    if (!lacksCapacity(decision)) return decision;
    const others = fallbacks.filter((other) => this.#isPermitted(other, access))
      .map((fallback) => this.#models.preview(fallback));
    return others.find(({ to }) => to !== "nowhere") ?? decision;
  }

  /** The model that is meant. @throws {GatewayError} `invalid_request` if nobody names one. */
  nameOf(model: string | undefined): string {
    const name = model ?? this.parts.config.model;
    if (name !== undefined) return name;
    throw new GatewayError("invalid_request", `The request names no model; add "model"`, { field: "model" });
  }

  /** Whether a client may use the model that a name stands for. @param access Of its key; `undefined`: all models. */
  isPermitted(said: string, access: ModelAccess | undefined): boolean {
    return this.#isPermitted(resolveAlias(said, this.parts.config.aliases), access);
  }

  /**
   * Requires that a client may use the model that a name stands for, or that is asked where none is named.
   *
   * @throws {GatewayError} `forbidden`.
   */
  requirePermitted(said: string | undefined, access: ModelAccess | undefined): void {
    const name = said ?? this.parts.config.model;
    if (access && name !== undefined && !this.isPermitted(name, access)) throw notPermitted(said, access);
  }

  #isPermitted(model: string, access: ModelAccess | undefined): boolean {
    const { config: { aliases }, catalog } = this.parts;
    return isPermitted(model, access, { aliases, keyOf: (name) => catalog.keyOf(name) });
  }

  /** The way to a coordinator of ours for a model. @throws {GatewayError} `model_not_found`, `model_unusable`. */
  async wantedOf(name: string, signal: AbortSignal): Promise<Wanted<ServingCoordinator>> {
    return await this.#models.wantedOf(resolveAlias(name, this.parts.config.aliases), signal);
  }

  /** What a request for a model of ours waits for, as far as it is known: `"tiny:latest" to load, 43 %`. */
  describeWait(model: string | undefined): string {
    const { config } = this.parts;
    return this.#models.describeWait(resolveAlias(model ?? config.model ?? "", config.aliases));
  }

  #meantBy(said: string): MeantModel {
    const { aliases, fallbacks } = this.parts.config;
    const model = resolveAlias(said, aliases);
    const note = model === said ? "" : `"${said}" is "${model}". `;
    return { model, note, fallbacks: fallbacksOf([said, model], fallbacks) };
  }

  async #acquireFallback(
    { model, fallbacks }: MeantModel,
    error: GatewayError,
    demand: RouteDemand,
  ): Promise<Route> {
    const troubles: string[] = [];
    for (const fallback of fallbacks.filter((other) => this.#isPermitted(other, demand.access))) {
      try {
        const route = await this.#models.acquire(fallback, demand);
        return withNote(route, fallbackNote(model, error.message, fallback));
      } catch (thrown) {
        if (!(thrown instanceof GatewayError) || demand.signal.aborted) throw thrown;
        troubles.push(thrown.message);
      }
    }
    if (troubles.length === 0) throw error;
    throw new GatewayError(error.code, noFallbackHelps(error.message, troubles), { cause: error });
  }
}

function because<T extends Decision>(decision: T, sentence: string): T {
  return { ...decision, because: sentence };
}

function noted(error: GatewayError, note: string): GatewayError {
  return note === "" ? error : new GatewayError(error.code, note + error.message, { cause: error });
}
