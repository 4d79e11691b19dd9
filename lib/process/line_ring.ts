/** Keeps the last lines that it was given: for a person who asks what happened. */
export class LineRing {
  #lines: string[] = [];

  /**
   * Holds nothing yet.
   *
   * @param capacity How many lines are kept, at least 1.
   */
  constructor(private readonly capacity: number) {}

  /** Adds a line, and forgets the oldest if there are too many. */
  push(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length >= 2 * this.capacity) this.#lines = this.lines;
  }

  /** The lines kept, oldest first. */
  get lines(): string[] {
    return this.#lines.slice(-this.capacity);
  }
}
