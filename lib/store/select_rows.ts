import type { DatabaseSync } from "node:sqlite";
import type { JsonShape } from "../json_shape.ts";
import type { Logger } from "../log.ts";

/** Which rows are wanted. */
export interface RowQuery<T> {
  /** A `SELECT`. */
  readonly sql: string;
  /** For its question marks. Default: none. */
  readonly parameters?: readonly (string | number | null)[];
  /** How each row is to be. An `INTEGER` comes as a bigint. */
  readonly shape: JsonShape<T>;
}

/**
 * The rows that are as they should be. People edit files by hand: what cannot be read is skipped, with a warning.
 *
 * @throws What SQLite says if the file cannot be read.
 */
export function selectRows<T>(
  connection: DatabaseSync,
  { sql, parameters = [], shape }: RowQuery<T>,
  logger: Logger,
): T[] {
  const query = connection.prepare(sql);
  query.setReadBigInts(true); // else one number too large for JavaScript spoils all rows
  return query.all(...parameters).flatMap((row) => {
    const result = shape.safeParse(row);
    if (result.success) return [result.data];
    const [issue] = result.error.issues;
    logger.warn("row of the state skipped", { row, column: issue?.path.join("."), reason: issue?.message });
    return [];
  });
}
