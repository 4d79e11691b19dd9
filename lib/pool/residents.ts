import type { Pooled, Wanted } from "./pooled.ts";
import { Resident } from "./resident.ts";
import type { ResidentHost } from "./resident_host.ts";

/** Models that are not loaded are remembered with their failures; of more than so many the oldest are forgotten. */
const MAX_AT_REST = 64;

/** All models that were asked for, one {@linkcode Resident} each. */
export class Residents<C extends Pooled> implements Iterable<Resident<C>> {
  readonly #byKey = new Map<string, Resident<C>>();
  #nextId = 1;

  /** Nobody has asked for any. @param isWanted Whether somebody waits for this model. */
  constructor(private readonly host: ResidentHost, private readonly isWanted: (key: string) => boolean) {}

  /** The one of this model. */
  get(key: string): Resident<C> | undefined {
    return this.#byKey.get(key);
  }

  /** By id or by the model's key. */
  find(idOrKey: string): Resident<C> | undefined {
    return this.get(idOrKey) ?? [...this].find(({ id }) => id === idOrKey);
  }

  /** The one of this model, made if there was none; it knows the model as it is asked for now. */
  ensure(wanted: Wanted<C>): Resident<C> {
    const known = this.get(wanted.key);
    if (known) {
      known.wanted = wanted;
      return known;
    }
    this.#forgetOldest();
    const resident = new Resident(`c${this.#nextId++}`, wanted, this.host);
    this.#byKey.set(wanted.key, resident);
    return resident;
  }

  /** In the order in which they were asked for first. */
  [Symbol.iterator](): Iterator<Resident<C>> {
    return this.#byKey.values();
  }

  #forgetOldest(): void {
    const isAtRest = ({ state, key }: Resident<C>) =>
      (state === "stopped" || state === "failed") && !this.isWanted(key);
    const atRest = [...this].filter(isAtRest);
    for (const { key } of atRest.slice(0, Math.max(0, atRest.length - MAX_AT_REST + 1))) {
      this.#byKey.delete(key);
    }
  }
}
