import type { DatabaseSync } from "node:sqlite";
import type { JsonShape } from "../json_shape.ts";
import type { Logger } from "../log.ts";
import { selectRows } from "../store/select_rows.ts";
import type { Owned, Page } from "./batch.ts";

/** Which page is wanted. */
export interface PageQuery<T> {
  /** A table with `serial` and `id`. */
  readonly table: string;
  /** A condition on its rows. */
  readonly where: string;
  /** For its question marks. Default: none. */
  readonly parameters?: readonly (string | null)[];
  /** How each row is to be. */
  readonly shape: JsonShape<T>;
  /** The most rows. */
  readonly limit: number;
  /** The page goes on behind this row, if one is named. */
  readonly after: string | undefined;
}

/**
 * A page of a table, the newest rows first. Rows that cannot be read are left out, and hide none of those behind them.
 *
 * @throws What SQLite says if the file cannot be read.
 */
export function selectPage<T>(connection: DatabaseSync, query: PageQuery<T>, logger: Logger): Page<T> {
  const { table, where, parameters = [], shape, limit, after } = query;
  const serials = connection.prepare(
    `SELECT serial FROM ${table} WHERE serial < ? AND ${where} ORDER BY serial DESC LIMIT ?`,
  );
  const sql = `SELECT * FROM ${table} WHERE serial < ? AND serial >= ? AND ${where} ORDER BY serial DESC`;
  for (let before = serialOf(connection, { table, after });;) {
    const found = serials.all(before, ...parameters, limit + 1).map(({ serial }) => Number(serial));
    const hasMore = found.length > limit;
    const last = found.slice(0, limit).at(-1);
    if (last === undefined) return { items: [], hasMore };
    const items = selectRows(connection, { sql, parameters: [before, last, ...parameters], shape }, logger);
    if (items.length > 0 || !hasMore) return { items, hasMore };
    before = last;
  }
}

function serialOf(
  connection: DatabaseSync,
  { table, after }: { readonly table: string; readonly after: string | undefined },
): number {
  if (after === undefined) return Number.MAX_SAFE_INTEGER;
  return Number(connection.prepare(`SELECT serial FROM ${table} WHERE id = ?`).get(after)?.["serial"] ?? 0);
}

/** A condition for {@linkcode PageQuery.where}: rows of one owner, or all. */
export function ownedCondition(
  of: Owned | undefined,
): { readonly where: string; readonly parameters: readonly (string | null)[] } {
  return of ? { where: "owner IS ?", parameters: [of.owner ?? null] } : { where: "true", parameters: [] };
}
