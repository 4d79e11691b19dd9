/** What the validator says is wrong at one place of the tree. */
export interface TreeIssue {
  /** Kind of mistake, such as `invalid_type`. */
  readonly code?: string | undefined;
  /** Keys and indices, outermost first. */
  readonly path: readonly PropertyKey[];
  /** The validator's own words. */
  readonly message: string;
  /** The value at fault. */
  readonly input?: unknown;
  /** With `invalid_type`: what was wanted. */
  readonly expected?: string;
  /** With `invalid_value`: the words that would do. */
  readonly values?: readonly unknown[];
  /** With `unrecognized_keys`: the keys that are not known here. */
  readonly keys?: readonly string[];
  /** With `too_small`. */
  readonly minimum?: number | bigint;
  /** With `too_big`. */
  readonly maximum?: number | bigint;
}
