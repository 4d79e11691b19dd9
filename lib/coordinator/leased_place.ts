import type { Place, Pooled } from "../pool/pooled.ts";

/** What a {@linkcode LeasedPlace} is. */
export interface LeasedPlaceParts<C extends Pooled>
  extends Pick<Place<C>, "endpoints" | "because" | "start"> {
  /** The right to it; the start's own once that is called. */
  readonly lease: Disposable;
}

/** A place that was taken: given back unless the start takes it over. */
export class LeasedPlace<C extends Pooled> implements Place<C> {
  #isStarted = false;

  /** It is taken. */
  constructor(private readonly parts: LeasedPlaceParts<C>) {}

  /** See {@linkcode Place.endpoints}. */
  get endpoints(): readonly string[] {
    return this.parts.endpoints;
  }

  /** See {@linkcode Place.because}. */
  get because(): string {
    return this.parts.because;
  }

  /** See {@linkcode Place.start}. */
  start(...how: Parameters<Place<C>["start"]>): Promise<C> {
    this.#isStarted = true;
    return this.parts.start(...how);
  }

  /** See {@linkcode Place}. */
  [Symbol.dispose](): void {
    if (!this.#isStarted) this.parts.lease[Symbol.dispose]();
  }
}
