interface Note<T> {
  readonly value: T;
  readonly digest: string | undefined;
  readonly untilMs: number;
}

/** What was met with single models of a node: true until a time, or until the model is another one. */
export class ModelNotes<T> {
  readonly #keepMs: number;
  readonly #notes = new Map<string, Note<T>>();

  /**
   * Nothing is noted yet.
   *
   * @param keepMs For how long a note is true, ms.
   */
  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** How many there are, those whose time is over included. */
  get size(): number {
    return this.#notes.size;
  }

  /** Notes something of the model that has this digest now. */
  set(key: string, digest: string | undefined, value: T, nowMs: number): void {
    this.#notes.set(key, { value, digest, untilMs: nowMs + this.#keepMs });
  }

  /** What was noted; `undefined` if there is nothing that is true still. */
  get(key: string, nowMs: number): T | undefined {
    const note = this.#notes.get(key);
    return note && nowMs < note.untilMs ? note.value : undefined;
  }

  /**
   * Forgets what is not true any more.
   *
   * @param models What the node holds now, by key.
   */
  prune(models: ReadonlyMap<string, { readonly digest: string }>, nowMs: number): void {
    for (const [key, { digest, untilMs }] of this.#notes) {
      const isOther = models.has(key) && models.get(key)?.digest !== digest;
      if (nowMs >= untilMs || isOther) this.#notes.delete(key);
    }
  }
}
