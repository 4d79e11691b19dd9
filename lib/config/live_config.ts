import { messageOf } from "../errors.ts";
import type { Config } from "./config.ts";
import { type ChangedKey, diffConfig } from "./diff.ts";
import { keepUntilRestart } from "./key_table.ts";

/** What became of a config that was read again. */
export interface AppliedChange {
  /** Keys whose change counts from now on. */
  readonly applied: readonly string[];
  /** Keys that differ from what runs, and count after a restart. */
  readonly needRestart: readonly string[];
}

/** Hears of a config once it is in force. Must not throw: nothing can be taken back then. */
export type ConfigListener = (config: Config, change: AppliedChange) => void;

/** The config in force, which may change while the gateway runs. */
export class LiveConfig {
  /**
   * The config in force as one object: each section is that of the moment in which it is read. Hand it to what takes a
   * {@linkcode Config}, and let that read it where it needs it.
   */
  readonly config: Config;
  #current: Config;
  #loadSettingsChanged = new AbortController();
  readonly #listeners = new Set<ConfigListener>();

  /** In force until the first {@linkcode apply}. */
  constructor(initial: Config) {
    this.#current = initial;
    this.config = this.#view();
  }

  /** The config in force now; it stays as it is when the next one comes. */
  get current(): Config {
    return this.#current;
  }

  /**
   * Aborts as soon as coordinators would be started with something else; the reason says which keys changed. Whoever
   * starts one takes it first, in one step with the config, and lets the coordinator leave when it aborts.
   */
  get loadSettingsChanged(): AbortSignal {
    return this.#loadSettingsChanged.signal;
  }

  /**
   * Puts a config in force, but for the keys that need a restart: these stay as they are until one with the same values
   * as before is applied. Tells everybody who listens, if something changed.
   *
   * @throws {AggregateError} If listeners threw; the config is in force, and all others have heard of it.
   */
  apply(next: Config): AppliedChange {
    const changed = diffConfig(this.#current, next);
    const applied = keysOf(changed.filter(({ effect }) => effect !== "restart"));
    const change = { applied, needRestart: keysOf(changed.filter(({ effect }) => effect === "restart")) };
    if (applied.length === 0) return change;
    this.#current = keepUntilRestart(this.#current, next);
    const faults = this.#tell(change);
    this.#endLoadsWith(keysOf(changed.filter(({ effect }) => effect === "next load")));
    if (faults.length > 0) throw new AggregateError(faults, faults.map(messageOf).join("; "));
    return change;
  }

  /** Tells of each change from now on, until disposal. */
  onChange(listener: ConfigListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #tell(change: AppliedChange): unknown[] {
    return [...this.#listeners].flatMap((listener) => {
      try {
        listener(this.#current, change);
        return [];
      } catch (error) {
        return [error];
      }
    });
  }

  #endLoadsWith(keys: readonly string[]): void {
    if (keys.length === 0) return;
    const outdated = this.#loadSettingsChanged;
    this.#loadSettingsChanged = new AbortController(); // first: what is started by whom it tells is of today
    outdated.abort(new Error(`The configuration changed (${keys.join(", ")})`));
  }

  #view(): Config {
    const getters = Object.keys(this.#current).map((section) => {
      const get = () => this.#current[section as keyof Config];
      return [section, { get, enumerable: true }];
    });
    return Object.defineProperties({}, Object.fromEntries(getters)) as Config;
  }
}

function keysOf(changed: readonly ChangedKey[]): readonly string[] {
  return changed.map(({ key }) => key);
}
