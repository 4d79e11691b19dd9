import type { Wanted } from "../pool/pooled.ts";
import type { ServingCoordinator } from "./serving.ts";
import type { ModelToFind } from "./sharded_model.ts";

/** Where the layers of our models are: over rpc backends, or all on this host. */
export type Spread = "rpc" | "local";

/** How models are spread now, as the operator wants it; may change while coordinators run. */
export class SpreadSetting {
  #now: Spread;
  #changed = new AbortController();

  /** As it is at first. */
  constructor(initial: Spread) {
    this.#now = initial;
  }

  /** How what is started now is spread. */
  get now(): Spread {
    return this.#now;
  }

  /** Aborts when it is another one: a coordinator of the other kind is to end as soon as it is idle. */
  get changed(): AbortSignal {
    return this.#changed.signal;
  }

  /** Takes what the operator wants now. The same again is no change. */
  set(spread: Spread): void {
    if (spread === this.#now) return;
    this.#now = spread;
    const outdated = this.#changed;
    this.#changed = new AbortController(); // first: what is started by whom it tells is of today
    outdated.abort(new Error(`Models are ${WORDS[spread]} from now on`));
  }
}

const WORDS = { rpc: "spread over rpc backends", local: "run whole on this host" } as const;

/** The way to a coordinator for a model, for each spread. */
export type WaysBySpread = Readonly<Record<Spread, (model: ModelToFind) => Wanted<ServingCoordinator>>>;

/**
 * A model that is spread as the operator wants it at the moment in which it is started. There is one coordinator of it at
 * a time, whatever its spread: so it keeps its key, its id and its log when that changes.
 */
export function modelBySpread(
  model: ModelToFind,
  setting: Pick<SpreadSetting, "now">,
  ways: WaysBySpread,
): Wanted<ServingCoordinator> {
  return {
    key: model.key,
    model: model.model,
    prepare: async (signal) => {
      for (;;) {
        const spread = setting.now;
        const prospect = await ways[spread](model).prepare(signal);
        if (setting.now === spread) return prospect;
      }
    },
  };
}
