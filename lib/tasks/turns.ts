/** Gives each of several a turn: whoever had none for the longest time is asked first. */
export class Turns<T> implements Iterable<T> {
  #waiting: T[];

  /** Begun with some. */
  constructor(items: Iterable<T> = []) {
    this.#waiting = [...items];
  }

  /** Lets one more take part. */
  add(item: T): void {
    this.#waiting.push(item);
  }

  /** Has one take part no longer; one that does not, too. */
  remove(item: T): void {
    this.#waiting = this.#waiting.filter((other) => other !== item);
  }

  /** Asks one after the other until one gives something: that was its turn. */
  take<R>(ask: (item: T) => R | undefined): R | undefined {
    for (const item of this.#waiting) {
      const given = ask(item);
      if (given === undefined) continue;
      this.remove(item);
      this.add(item);
      return given;
    }
    return undefined;
  }

  /** All of them. */
  [Symbol.iterator](): Iterator<T> {
    return this.#waiting.values();
  }
}
