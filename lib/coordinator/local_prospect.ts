import type { GgufModel } from "../gguf/model_info.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { InsufficientMemoryError } from "../planner/shortage.ts";
import type { HostMemory } from "../planner/place_whole.ts";
import type { Place, Pooled, Prospect } from "../pool/pooled.ts";
import { THIS_HOST } from "../registry/identity.ts";
import type { LocalHost, LocalSupply } from "./local_host.ts";
import { LeasedPlace } from "./leased_place.ts";
import type { LocalPlan } from "./local_plan.ts";
import type { ModelPlanner, WholePlan } from "./model_planner.ts";
import { smallerContext, smallerContextNote } from "./smaller_context.ts";

/** What {@linkcode LocalProspect} plans with. */
export interface LocalProspectParts<C extends Pooled> {
  /** Says whether the model fits. */
  readonly planner: Pick<ModelPlanner, "planWhole">;
  /** Says who runs here, and lets one. */
  readonly host: Pick<LocalHost, "holder" | "lease">;
  /** What this host had when it was looked at last. */
  readonly supply: LocalSupply;
  /** Bytes of what is loaded beside the model: projectors and adapters. */
  readonly besideBytes: number;
  /** Fewest tokens of a slot that will do where the wanted context does not fit; not given: none but the wanted. */
  readonly minContextSize: number | undefined;
  /** Starts what was planned; the lease is its own from there on. */
  readonly start: (plan: LocalPlan, ...how: Parameters<Place<C>["start"]>) => Promise<C>;
}

/** What a coordinator on this host holds, for the pool: it is no rpc backend, but nobody else can use it either. */
export const LOCAL_ENDPOINTS: readonly string[] = [THIS_HOST];

/** A model that was read, and this host's memory: ready to be run here whole. */
export class LocalProspect<C extends Pooled> implements Prospect<C> {
  /** Once the wanted context was found not to fit. */
  #contextSize: number | undefined;

  /** Plans nothing yet. */
  constructor(
    private readonly model: ResolvedModel,
    private readonly content: GgufModel,
    private readonly parts: LocalProspectParts<C>,
  ) {}

  /** See {@linkcode Prospect.place}. */
  place(): Place<C> | undefined {
    const { host, supply } = this.parts;
    this.#requireFit();
    const { shape, result } = this.#plan(supply.now);
    if (host.holder !== undefined || !result.fits) return undefined;
    const { placement } = result;
    const lease = host.lease(this.model.name, supply.now);
    const because = placement.because + smallerContextNote(this.#contextSize);
    const plan = { placement, shape, lease, because };
    const start: Place<C>["start"] = (...how) => this.parts.start(plan, ...how);
    return new LeasedPlace({ endpoints: LOCAL_ENDPOINTS, because, lease, start });
  }

  /** See {@linkcode Prospect.fitsWith}. */
  fitsWith(freed: ReadonlySet<string>): boolean {
    const { host, supply } = this.parts;
    const isFree = host.holder === undefined || freed.has(THIS_HOST);
    return isFree && this.#plan(supply.freed).result.fits;
  }

  /** Throws unless the model fits once nothing else runs here; settles for a smaller context where it may. */
  #requireFit(): void {
    this.#contextSize = undefined;
    const { host, supply, minContextSize } = this.parts;
    const { result } = this.#plan(supply.freed, host.holder);
    if (result.fits) return;
    this.#contextSize = smallerContext(result.shortage, minContextSize);
    if (this.#contextSize === undefined) throw new InsufficientMemoryError(result.shortage, result.message);
  }

  #plan(memories: readonly HostMemory[], without?: string): WholePlan {
    const { planner, besideBytes } = this.parts;
    const room = { place: THIS_HOST, memories, besideBytes, without };
    return planner.planWhole(this.model, this.content, room, { contextSize: this.#contextSize });
  }
}
