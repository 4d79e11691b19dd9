import type { Logger } from "../log.ts";

/** A schema of zod, as far as rows need it. */
export interface RowSchema<T> {
  /** The row as code reads it, or what is wrong with it. */
  safeParse(row: unknown): RowResult<T>;
}

/** What {@linkcode RowSchema.safeParse} returns. */
export type RowResult<T> =
  | { readonly success: true; readonly data: T }
  | {
    readonly success: false;
    readonly error: { readonly issues: readonly { path: readonly PropertyKey[]; message: string }[] };
  };

/** The rows that are as they should be. People edit files by hand: what cannot be read is skipped, with a warning. */
export function validRows<T>(
  rows: readonly Record<string, unknown>[],
  schema: RowSchema<T>,
  logger: Logger,
): T[] {
  return rows.flatMap((row) => {
    const result = schema.safeParse(row);
    if (result.success) return [result.data];
    const [issue] = result.error.issues;
    logger.warn("row of the state skipped", { row, column: issue?.path.join("."), reason: issue?.message });
    return [];
  });
}
