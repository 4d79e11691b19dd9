import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config.ts";
import { KEY_TABLE, type KeyEffect } from "./key_table.ts";

/** One key that says something else than before. Its values are not told: they may be secrets. */
export interface ChangedKey {
  /** Dotted path, as people write it, such as `coordinator.slots`. */
  readonly key: string;
  /** When the change counts. */
  readonly effect: KeyEffect;
}

/** The keys in which two configs differ, in the order of the tree. Pure. */
export function diffConfig(before: Config, after: Config): readonly ChangedKey[] {
  return Object.entries(KEY_TABLE)
    .filter(([, { read }]) => !isDeepStrictEqual(read(before), read(after)))
    .map(([key, { effect }]) => ({ key, effect }));
}
