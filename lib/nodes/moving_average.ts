/** An average that forgets: each new figure has the same share in it. */
export class MovingAverage {
  readonly #share: number;
  #value: number | undefined;

  /**
   * Of nothing yet.
   *
   * @param share Of the newest figure, from 0 to 1.
   */
  constructor(share: number) {
    this.#share = share;
  }

  /** `undefined` until there was a figure. */
  get value(): number | undefined {
    return this.#value;
  }

  /** Takes a figure; one that cannot be, being negative or no number, is left out. */
  take(figure: number): void {
    if (!(figure >= 0 && figure < Infinity)) return;
    this.#value = this.#value === undefined ? figure : this.#value + this.#share * (figure - this.#value);
  }
}
