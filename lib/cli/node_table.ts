import { describeConflict, type DigestConflict } from "../nodes/digest_conflicts.ts";
import type { NodeState, NodeSummary } from "../nodes/node.ts";
import { formatBytes, formatDuration } from "../units.ts";
import { renderTable } from "./table.ts";
import { type Paint, printable, type Role } from "./terminal.ts";

const ROLES: Record<NodeState["health"], Role> = { up: "good", unknown: "doubtful", down: "bad" };
const HEALTH_COLUMN = 1;
/** Names under which nodes hold different models that are told. */
const TOLD_CONFLICTS = 10;

/** The Ollama nodes of a gateway, without all that they hold. */
export interface NodeOverview {
  /** Each of them. */
  readonly nodes: readonly NodeSummary[];
  /** Names under which they hold different models. */
  readonly conflicts: readonly DigestConflict[];
}

/** A table of Ollama nodes, and below it what is to be said of them. */
export function renderNodes({ nodes, conflicts }: NodeOverview, paint: Paint): string {
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
    nodes.map((node) => toCells(node).map(printable)),
    (cell, column, row) => {
      if (row < 0) return paint("heading", cell);
      return column === HEALTH_COLUMN ? paint(ROLES[nodes[row]!.health], cell) : cell;
    },
  );
  const remarks = [...nodes.flatMap(remarksOn), ...remarksOnConflicts(conflicts)];
  return remarks.length === 0
    ? table
    : `${table}\n${remarks.map((remark) => `${printable(remark)}\n`).join("")}`;
}

function toCells(view: NodeSummary): string[] {
  return [
    view.name,
    view.health,
    view.version ?? "-",
    `${view.inFlightCount}/${view.slotCount}`,
    view.version === undefined ? "-" : String(view.modelCount),
    view.version === undefined ? "-" : String(view.residentCount),
    memoryOf(view),
    view.firstTokenMs === undefined ? "-" : formatDuration(view.firstTokenMs),
    view.sources.join(", "),
  ];
}

/** `6.1 GiB of 24.0 GiB`, or what its models take where nobody knows what there is. */
function memoryOf({ residentBytes, memoryBytes, version }: NodeSummary): string {
  if (memoryBytes !== undefined) return `${formatBytes(residentBytes)} of ${formatBytes(memoryBytes)}`;
  return version === undefined ? "-" : formatBytes(residentBytes);
}

function remarksOn(view: NodeSummary): string[] {
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
export function breakerRemarks({ name, breaker }: Pick<NodeState, "name" | "breaker">): string[] {
  if (breaker === "open") {
    return [`${name} gets no requests for a while: too many failed there of late; see its log`];
  }
  if (breaker === "half-open") return [`${name} gets one request as a trial: too many failed there of late`];
  return [];
}

function nameIn(url: string): string {
  return url.replace(/^http:\/\//, "").replace(/:11434$/, "");
}

function remarksOnConflicts(conflicts: readonly DigestConflict[]): string[] {
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
