import type { ModelAccess } from "../auth/model_access.ts";
import type { Config } from "../config/config.ts";
import type { ModelCatalog } from "./catalog.ts";
import type { ListedModel } from "./listed_model.ts";
import { textFor } from "./other_models.ts";
import type { Upstreams } from "./upstreams.ts";

/** A model, and where a request for it would go now. */
export interface RoutedModel extends ListedModel {
  /** A node's name, or in words what else serves it; `undefined` if nobody can now. */
  readonly goesTo: string | undefined;
  /** Whether a request for it would be served now: at once, in its turn, or after a load or a wake. */
  readonly isAvailable: boolean;
  /** Why not; `undefined` if it would. */
  readonly unavailableBecause: string | undefined;
}

/** How {@linkcode ModelListing.find} looks. */
export interface FindOptions {
  /** Those that the client may use; default: all. */
  readonly access: ModelAccess | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** What {@linkcode ModelListing} lists from. */
export interface ModelListingParts {
  /** The operator's word; read at each listing. */
  readonly config: Pick<Config, "nodes">;
  /** Names of all models. */
  readonly catalog: Pick<ModelCatalog, "find" | "list">;
  /** Knows where requests go, and who may use which model. */
  readonly upstreams: Pick<Upstreams, "isPermitted" | "preview" | "requirePermitted">;
}

const GOES_TO = {
  line: "the next node that has a slot",
  wake: "a node that is woken for it",
  external: "a coordinator of others",
  coordinator: "a coordinator of ours",
  nowhere: undefined,
} as const;

/** The models that clients may ask for. */
export class ModelListing {
  readonly #parts: ModelListingParts;

  /** Its parts stay the caller's to dispose. */
  constructor(parts: ModelListingParts) {
    this.#parts = parts;
  }

  /**
   * All models that can be asked for, one entry each, sorted by name, and where a request for each would go now. Those
   * that nobody can serve are left out if the operator wants it so.
   *
   * @param access Those that the client may use; default: all.
   */
  async list(access?: ModelAccess): Promise<readonly RoutedModel[]> {
    const { catalog, config, upstreams } = this.#parts;
    const models = (await catalog.list()).filter(({ name }) => upstreams.isPermitted(name, access))
      .map((model) => this.#routed(model, access));
    return config.nodes.hidesUnavailable ? models.filter(({ isAvailable }) => isAvailable) : models;
  }

  /**
   * One model by name.
   *
   * @throws {GatewayError} `forbidden`; `model_not_found` with near names, `invalid_request`.
   */
  async find(name: string, { access, signal }: FindOptions): Promise<RoutedModel> {
    this.#parts.upstreams.requirePermitted(name, access);
    return this.#routed(await this.#parts.catalog.find(name, signal), access);
  }

  #routed(model: ListedModel, access: ModelAccess | undefined): RoutedModel {
    const { upstreams } = this.#parts;
    const decision = upstreams.preview(model.name, access);
    const isAvailable = decision.to !== "nowhere";
    const goesTo = decision.to === "node" ? decision.node.name : GOES_TO[decision.to];
    const unavailableBecause = isAvailable
      ? undefined
      : model.obstacle ?? this.#told(decision.because, access);
    return { ...model, goesTo, isAvailable, unavailableBecause };
  }

  #told(text: string, access: ModelAccess | undefined): string {
    const { upstreams } = this.#parts;
    return access ? textFor(text, { isPermitted: (name) => upstreams.isPermitted(name, access) }) : text;
  }
}
