import { describeConflict, digestConflicts } from "../nodes/digest_conflicts.ts";
import type { NodeView } from "../nodes/node.ts";
import { formatBytes, formatDuration } from "../units.ts";
import { renderTable } from "./table.ts";
import { type Paint, printable, type Role } from "./terminal.ts";

const ROLES: Record<NodeView["health"], Role> = { up: "good", unknown: "doubtful", down: "bad" };
const HEALTH_COLUMN = 1;
/** Names under which nodes hold different models that are told. */
const TOLD_CONFLICTS = 10;

/** A table of Ollama nodes, and below it what is to be said of them. */
export function renderNodes(views: readonly NodeView[], paint: Paint): string {
  const right = { align: "right" } as const;
  const table = renderTable(
    [
      { title: "NODE" },
      { title: "HEALTH" },
      { title: "VERSION" },
      { title: "IN FLIGHT", ...right },
      { title: "MODELS", ...right },
      { title: "LOADED", ...right },
      { title: "MEMORY", ...right },
      { title: "FIRST TOKEN", ...right },
      { title: "SOURCES" },
    ],
    views.map((view) => toCells(view).map(printable)),
    (cell, column, row) => {
      if (row < 0) return paint("heading", cell);
      return column === HEALTH_COLUMN ? paint(ROLES[views[row]!.health], cell) : cell;
    },
  );
  const remarks = [...views.flatMap(remarksOn), ...conflictsAmong(views)];
  return remarks.length === 0
    ? table
    : `${table}\n${remarks.map((remark) => `${printable(remark)}\n`).join("")}`;
}

function toCells(view: NodeView): string[] {
  return [
    view.name,
    view.health,
    view.version ?? "-",
    `${view.inFlightCount}/${view.slotCount}`,
    view.version === undefined ? "-" : String(view.models.length),
    view.version === undefined ? "-" : String(view.resident.length),
    memoryOf(view),
    view.firstTokenMs === undefined ? "-" : formatDuration(view.firstTokenMs),
    view.sources.join(", "),
  ];
}

/** `6.1 GiB of 24.0 GiB`, or what its models take where nobody knows what there is. */
function memoryOf({ resident, memoryBytes, version }: NodeView): string {
  const residentBytes = resident.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (memoryBytes !== undefined) return `${formatBytes(residentBytes)} of ${formatBytes(memoryBytes)}`;
  return version === undefined ? "-" : formatBytes(residentBytes);
}

function remarksOn(view: NodeView): string[] {
  const { name, url, aliases, health, reason, canWake, tags, allowedModels } = view;
  return [
    ...(health === "up" ? [] : [`${name} is ${health}: ${reason}`]),
    ...(health === "down" && canWake ? [`${name} is woken when a request needs it`] : []),
    ...breakerRemarks(view),
    ...(name === nameIn(url) ? [] : [`${name} is at ${url}`]),
    ...(aliases.length > 0 ? [`${name} is also reached as ${aliases.join(", ")}`] : []),
    ...(tags.length > 0 ? [`${name} has the ${tags.length === 1 ? "tag" : "tags"} ${tags.join(", ")}`] : []),
    ...(allowedModels.length > 0 ? [`${name} may serve only ${allowedModels.join(", ")}`] : []),
  ];
}

/** What its breaker says of a node, for a person; none if it lets requests through. */
export function breakerRemarks({ name, breaker }: Pick<NodeView, "name" | "breaker">): string[] {
  if (breaker === "open") {
    return [`${name} gets no requests for a while: too many failed there of late; see its log`];
  }
  if (breaker === "half-open") return [`${name} gets one request as a trial: too many failed there of late`];
  return [];
}

function nameIn(url: string): string {
  return url.replace(/^http:\/\//, "").replace(/:11434$/, "");
}

function conflictsAmong(views: readonly NodeView[]): string[] {
  const holders = views.map(({ name, models }) => ({
    name,
    models: new Map(models.map((one) => [one.key, one])),
  }));
  const conflicts = digestConflicts(holders);
  const moreCount = conflicts.length - TOLD_CONFLICTS;
  return [
    ...conflicts.slice(0, TOLD_CONFLICTS).map((conflict) =>
      `${conflict.name} is not the same everywhere: ${
        describeConflict(conflict)
      }; pull it again where it is old`
    ),
    ...(moreCount > 0 ? [`${moreCount} more names are not the same everywhere`] : []),
  ];
}
