import { equal } from "node:assert/strict";
import { renderFields, renderTable } from "../../../lib/cli/table.ts";

Deno.test("renderTable() aligns columns to their widest cell and ends lines without spaces", () => {
  const columns = [{ title: "NAME" }, { title: "BYTES", align: "right" }, { title: "WHY" }] as const;
  equal(
    renderTable(columns, [["a", "12345678", "x"], ["longer", "1", ""]]),
    "NAME       BYTES  WHY\na       12345678  x\nlonger         1\n",
  );
});

Deno.test("renderTable() keeps columns aligned when cells are painted", () => {
  const rows = [["ab", "c"], ["d", "e"]];
  const painted = renderTable([{ title: "X" }, { title: "Y" }], rows, (cell, column, row) => {
    return column === 0 && row === 1 ? `\x1b[31m${cell}\x1b[39m` : cell;
  });
  equal(painted, "X   Y\nab  c\n\x1b[31md\x1b[39m   e\n");
});

Deno.test("renderTable() gives wide characters the two columns that a terminal gives them", () => {
  const rows = [["モデル", "1"], ["größe", "2"]];
  equal(renderTable([{ title: "NAME" }, { title: "N" }], rows), "NAME    N\nモデル  1\ngröße   2\n");
});

Deno.test("renderTable() keeps each row in one line, however long its cells and whatever their spaces", () => {
  const long = "word ".repeat(60) + " end";
  equal(renderTable([{ title: "A" }, { title: "B" }], [[long, "x"], ["", ""]]).split("\n").length, 4);
});

Deno.test("renderFields() aligns values and leaves out what is not known", () => {
  equal(
    renderFields([["name", "m"], ["digest", undefined], ["params", ""], ["size", "1 B"]]),
    "name  m\nsize  1 B\n",
  );
});

Deno.test("renderFields() of nothing is nothing", () => {
  equal(renderFields([["name", undefined]]), "");
});
