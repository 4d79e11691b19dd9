/** What is wrong at one place of a JSON value. */
export interface JsonIssue {
  /** Kind of mistake, such as `unrecognized_keys`. */
  readonly code?: string | undefined;
  /** Keys and indices, outermost first. */
  readonly path: readonly PropertyKey[];
  /** A person's words. */
  readonly message: string;
  /** With `unrecognized_keys`: the keys that are not known there. */
  readonly keys?: readonly string[];
}

/** What a JSON value must be. Every zod schema is such a shape; this shows what it gives, without how. */
export interface JsonShape<T> {
  /** Reads a value, or says what is wrong with it. */
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: { issues: readonly JsonIssue[] } };
}
