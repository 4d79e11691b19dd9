import { Table } from "console-table-printer";

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
  const titled = columns.map((column, index) => ({ ...column, title: paint(column.title, index, -1) }));
  const painted = rows.map((cells, row) => cells.map((cell, column) => paint(cell, column, row)));
  return layOut(titled, painted).join("");
}

/** Names and values below each other, the values aligned; pairs without a value are left out. */
export function renderFields(
  fields: readonly (readonly [name: string, value: string | undefined])[],
): string {
  const shown = fields.flatMap(([name, value]) => value === undefined || value === "" ? [] : [[name, value]]);
  const [_titles, ...lines] = layOut([{ title: "" }, { title: "" }], shown);
  return lines.join("");
}

const NO_RULE = { left: "", mid: "", right: "", other: "" };
const BORDERLESS = {
  headerTop: NO_RULE,
  headerBottom: NO_RULE,
  rowSeparator: NO_RULE,
  tableBottom: NO_RULE,
  vertical: "",
};

/** The titles and then the rows, each ended by a line feed. Colours take no width, wide characters take two. */
function layOut(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const table = new Table({
    style: BORDERLESS,
    shouldDisableColors: true, // the caller's paint knows whether colours are wanted
    columns: columns.map(({ title, align: alignment = "left" }, index) => {
      return { name: String(index), title, alignment };
    }),
    rows: rows.map((cells) => ({ ...cells })),
  });
  const lines = table.render().split("\n").filter((line) => line !== ""); // rules without strokes are empty lines
  return lines.map((line) => `${line.slice(" ".length).trimEnd()}\n`);
}
