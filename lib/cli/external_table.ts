import type { ExternalView } from "../coordinator/external.ts";
import { listNames } from "../name_list.ts";
import { renderTable } from "./table.ts";
import { type Paint, printable, type Role } from "./terminal.ts";

const ROLES: Record<ExternalView["health"], Role> = {
  up: "good",
  unknown: "doubtful",
  loading: "doubtful",
  down: "bad",
};
const HEALTH_COLUMN = 1;
/** Names that a row tells. */
const TOLD_NAMES = 3;

/** A table of coordinators that others run, and below it why those that are not up are so. */
export function renderExternals(views: readonly ExternalView[], paint: Paint): string {
  const table = renderTable(
    [
      { title: "RUN BY OTHERS" },
      { title: "HEALTH" },
      { title: "MODELS" },
      { title: "IN FLIGHT", align: "right" },
    ],
    views.map((view) =>
      [view.url, view.health, listNames(view.models, TOLD_NAMES) || "-", useOf(view)].map(printable)
    ),
    (cell, column, row) => {
      if (row < 0) return paint("heading", cell);
      return column === HEALTH_COLUMN ? paint(ROLES[views[row]!.health], cell) : cell;
    },
  );
  const remarks = views.filter(({ health }) => health !== "up")
    .map(({ url, health, reason }) => `${printable(`${url} is ${health}: ${reason}`)}\n`);
  return remarks.length === 0 ? table : `${table}\n${remarks.join("")}`;
}

/** `1/4`, or `1` of nobody knows how many. */
function useOf({ inFlightCount, slotCount }: ExternalView): string {
  return slotCount === undefined ? String(inFlightCount) : `${inFlightCount}/${slotCount}`;
}
