import type { Delivery, EventBus } from "./bus.ts";
import type {
  CoordinatorAdmin,
  CoordinatorReport,
  GatewayEvent,
  UnloadOutcome,
} from "./coordinator_admin.ts";
import type { Journals } from "./coordinator/journal.ts";
import type { ServingCoordinator } from "./coordinator/serving.ts";
import { GatewayError } from "./errors.ts";
import type { CoordinatorPool } from "./pool/pool.ts";
import type { PoolView, Wanted } from "./pool/pooled.ts";

/** What {@linkcode CoordinatorService} works with. */
export interface CoordinatorServiceParts<C extends ServingCoordinator> {
  /** Owns the coordinators. */
  readonly pool: CoordinatorPool<C>;
  /** What each model's coordinators said. */
  readonly journals: Journals;
  /** Carries what happens. */
  readonly bus: EventBus<GatewayEvent>;
  /** The canonical key of a model's name. @throws {GatewayError} `invalid_request`. */
  keyOf(model: string): string;
  /** The way to a coordinator for a model. @throws {GatewayError} `model_not_found`, `model_unusable`. The signal's reason. */
  wantedOf(model: string, signal: AbortSignal): Promise<Wanted<C>>;
}

/** How many lines of its log a report shows. */
const LAST_LINES = 20;

/** What operators do with our coordinators, over the pool that owns them. */
export class CoordinatorService<C extends ServingCoordinator> implements CoordinatorAdmin {
  /** Its parts stay the caller's to dispose. */
  constructor(private readonly parts: CoordinatorServiceParts<C>) {}

  /** See {@linkcode CoordinatorAdmin.listCoordinators}. */
  listCoordinators(): readonly CoordinatorReport[] {
    return this.parts.pool.views().map((view) => this.#report(view));
  }

  /** See {@linkcode CoordinatorAdmin.getCoordinator}. */
  getCoordinator(idOrModel: string): CoordinatorReport {
    return this.#report(this.#find(idOrModel));
  }

  /** See {@linkcode CoordinatorAdmin.loadModel}. */
  async loadModel(
    model: string,
    { keepAliveMs, signal }: { readonly keepAliveMs?: number | undefined; readonly signal: AbortSignal },
  ): Promise<CoordinatorReport> {
    const wanted = await this.parts.wantedOf(model, signal);
    await this.parts.pool.load(wanted, { signal, keepAliveMs });
    return this.getCoordinator(model);
  }

  /** See {@linkcode CoordinatorAdmin.unloadModel}. */
  unloadModel(model: string): UnloadOutcome {
    const key = this.parts.keyOf(model);
    const inFlightCount = this.parts.pool.view(key)?.inFlightCount ?? 0;
    const outcome = this.parts.pool.unload(key);
    const because = {
      "not loaded": `"${model}" is not loaded`,
      "after use": `"${model}" is unloaded when ${requests(inFlightCount)} in flight have ended`,
      unloaded: `"${model}" is unloaded`,
    }[outcome];
    return { outcome, because };
  }

  /** See {@linkcode CoordinatorAdmin.restartCoordinator}. */
  async restartCoordinator(
    idOrModel: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<CoordinatorReport> {
    const { key } = this.#find(idOrModel);
    await this.parts.pool.restart(key, signal);
    return this.#report(this.#find(key));
  }

  /** See {@linkcode CoordinatorAdmin.readLog}. */
  readLog(
    idOrModel: string,
    { tail, follow, signal }: {
      readonly tail: number;
      readonly follow: boolean;
      readonly signal: AbortSignal;
    },
  ): AsyncIterable<string> {
    const journal = this.parts.journals.of(this.#find(idOrModel).key);
    const following = follow ? journal.follow(signal) : undefined; // before the tail is read: no line is lost
    return linesOf(journal.tail(tail), following);
  }

  /** See {@linkcode CoordinatorAdmin.events}. */
  events({ signal }: { readonly signal: AbortSignal }): AsyncIterable<Delivery<GatewayEvent>> {
    return this.parts.bus.subscribe({ signal });
  }

  #find(idOrModel: string): PoolView {
    const { pool, keyOf } = this.parts;
    const view = pool.view(idOrModel) ?? pool.view(keyOf(idOrModel));
    if (view) return view;
    throw new GatewayError(
      "not_found",
      `There is no coordinator of "${idOrModel}": it was not loaded yet; load it: sollol load ${idOrModel}`,
    );
  }

  #report(view: PoolView): CoordinatorReport {
    const coordinator = this.parts.pool.running(view.key);
    return {
      ...view,
      pid: coordinator?.pid,
      contextSize: coordinator?.contextSize,
      placement: coordinator?.placement,
      tokensPerSecond: coordinator?.tokensPerSecond,
      lastLines: this.parts.journals.of(view.key).tail(LAST_LINES),
    };
  }
}

async function* linesOf(
  tail: readonly string[],
  following: AsyncIterable<string> | undefined,
): AsyncGenerator<string> {
  yield* tail;
  if (following) yield* following;
}

function requests(count: number): string {
  return count === 1 ? "1 request" : `${count} requests`;
}
