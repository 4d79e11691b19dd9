/** What is wrong at one place of a JSON value. */
export interface JsonIssue {
  /** Kind of mistake, such as `unrecognized_keys`. */
  readonly code?: string | undefined;
  /** Keys and indices, outermost first. */
  readonly path: readonly PropertyKey[];
  /** A person's words, or the validator's own; see `wantedThere()`. */
  readonly message: string;
  /** The value at fault, where the validator was asked to tell it. */
  readonly input?: unknown;
  /** With `invalid_type`: what was wanted. */
  readonly expected?: string;
  /** With `invalid_value`: the words that would do. */
  readonly values?: readonly unknown[];
  /** With `unrecognized_keys`: the keys that are not known there. */
  readonly keys?: readonly string[];
  /** With `invalid_union`: what each of the choices has against the value; their paths begin at it. */
  readonly errors?: readonly (readonly JsonIssue[])[];
  /** With `too_small` and `too_big`: of what kind the value is, such as `string`. */
  readonly origin?: string;
  /** With `too_small`. */
  readonly minimum?: number | bigint;
  /** With `too_big`. */
  readonly maximum?: number | bigint;
}

/** What a JSON value must be. Every zod schema is such a shape; this shows what it gives, without how. */
export interface JsonShape<T> {
  /** Reads a value, or says what is wrong with it. */
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: Error & { issues: readonly JsonIssue[] } };
}
