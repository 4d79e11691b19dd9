import type { ModelAccess } from "../auth/model_access.ts";
import { GatewayError } from "../errors.ts";
import type { PoolDemand } from "../pool/pooled.ts";
import type { OnlyKind, Task } from "./decision.ts";

/** What a request asks of whoever finds its upstream. */
export interface RouteDemand extends PoolDemand {
  /** The model as the client named it, if it did. */
  readonly model: string | undefined;
  /** What kind of work it is. */
  readonly task: Task;
  /** Upstreams that failed it before, see `Demand.tried`. */
  readonly tried: ReadonlySet<string>;
  /** Ends the waiting for a coordinator of ours, which may load for hours. Default: `signal`. */
  readonly loadSignal?: AbortSignal | undefined;
  /** The models that its client may use; `undefined`: all. */
  readonly access?: ModelAccess | undefined;
  /** Where its client wants it to go. */
  readonly wish?: string | undefined;
  /** Set for what an Ollama node cannot do, see `Demand.only`. */
  readonly only?: OnlyKind | undefined;
  /** Stand for the beginnings of its conversation, see `conversationTurns`. */
  readonly turns?: readonly string[] | undefined;
  /** Hears what it waits for, whenever that is another thing. Must not throw. */
  readonly onWait?: ((describe: () => string) => void) | undefined;
}

/** One search for an upstream that serves one model. */
export class RouteSearch {
  /** What failed it so far, beside what had failed the request before. */
  tried: ReadonlySet<string>;
  /** Whether our store was seen to have the model; `undefined` until it was looked for. */
  isStored: boolean | undefined;
  /** What our own coordinators failed with. */
  trouble: GatewayError | undefined;
  /** For how long it waited for nodes to wake up, ms. */
  wakeMs = 0;
  readonly #woken = new Set<string>();

  /**
   * Nothing was tried yet.
   *
   * @param model The model that is meant.
   * @param key Its canonical key.
   */
  constructor(readonly model: string, readonly key: string, readonly demand: RouteDemand) {
    this.tried = demand.tried;
  }

  /** This upstream does not serve it. */
  fails(name: string, error: unknown): void {
    this.tried = new Set([...this.tried, name]);
    if (error instanceof GatewayError) this.trouble = error;
  }

  /** The model is in our store. @returns Whether that is news. */
  finds(): boolean {
    const isNews = this.isStored !== true;
    this.isStored = true;
    return isNews;
  }

  /** One that was up, and is down again before the request came to it, is not waited for again. */
  wakes(name: string): void {
    if (this.#woken.has(name)) this.tried = new Set([...this.tried, name]);
    this.#woken.add(name);
  }
}
