/** A column of a table: its title and the side that its cells are pushed to. */
export interface Column {
  /** Shown above the cells. */
  readonly title: string;
  /** `right` for numbers. */
  readonly align?: "left" | "right";
}

/** Changes the look of a cell, not its visible width. Titles are row -1. */
export type CellPaint = (cell: string, column: number, row: number) => string;

/** A table of aligned columns, two spaces apart, one line a row, each ended by a line feed. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: CellPaint = (cell) => cell,
): string {
  const titles = columns.map(({ title }) => title);
  const widths = columns.map((_, index) =>
    Math.max(...[titles, ...rows].map((cells) => cells[index]?.length ?? 0))
  );
  const line = (cells: readonly string[], row: number) =>
    columns.map(({ align }, index) => {
      const cell = cells[index] ?? "";
      const isLast = index === columns.length - 1;
      const padding = " ".repeat(isLast && align !== "right" ? 0 : widths[index]! - cell.length);
      return align === "right" ? padding + paint(cell, index, row) : paint(cell, index, row) + padding;
    }).join("  ").trimEnd() + "\n";
  return [line(titles, -1), ...rows.map(line)].join("");
}

/** Names and values below each other, the values aligned; pairs without a value are left out. */
export function renderFields(
  fields: readonly (readonly [name: string, value: string | undefined])[],
): string {
  const shown = fields.filter(([, value]) => value !== undefined && value !== "");
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}
