import type { LoggedDecision } from "../router/decision_log.ts";
import type { RouteReport } from "../router/route_report.ts";
import { formatDuration } from "../units.ts";
import { renderTable } from "./table.ts";
import { type Paint, printable, type Role } from "./terminal.ts";

/**
 * Where a request would go and why, and a line for each that it could have gone to.
 *
 * @param asked The model as it was asked for, which may be an alias.
 */
export function renderRoute(report: RouteReport, asked: string, paint: Paint): string {
  const { to, because, candidates, fallbacks, model, answeredBy } = report;
  const answer = paint(
    to === "nowhere" ? "bad" : "good",
    to === "nowhere" ? "refused" : printable(whereOf(report)),
  );
  const lines = candidates.map(({ name, isChosen, isPossible, because: why }) => {
    const word = isChosen ? paint("good", "goes there") : paint("quiet", isPossible ? "could" : "cannot");
    return `  ${printable(name)} (${word}): ${printable(why)}\n`;
  });
  const others = lines.length === 0 ? "" : `\nCandidates\n${lines.join("")}`;
  const instead = fallbacks.length === 0
    ? ""
    : `\nIf "${printable(model)}" has no capacity: ${fallbacks.map(printable).join(", then ")}\n`;
  const alias = asked.toLowerCase() === model.toLowerCase()
    ? ""
    : `${printable(asked)} stands for ${printable(model)}\n`;
  const who = answeredBy === undefined ? "" : `${printable(answeredBy)} answers instead, `;
  return `${alias}${printable(model)}: ${who}${answer}\n${printable(because)}\n${others}${instead}`;
}

function whereOf({ to, upstream }: RouteReport): string {
  switch (to) {
    case "node":
      return `node ${upstream}`;
    case "wake":
      return `node ${upstream}, which is woken first`;
    case "line":
      return "waits for a slot of a node";
    case "external":
      return "a coordinator that others run";
    case "coordinator":
      return "a coordinator of the gateway's own";
    case "nowhere":
      return "nowhere";
  }
}

const ROLES: Readonly<Record<LoggedDecision["outcome"], Role>> = {
  ok: "good",
  refused: "doubtful",
  client_closed: "quiet",
  failed: "bad",
};
const OUTCOME_COLUMN = 3;

/** A table of decisions, the newest first. */
export function renderDecisions(decisions: readonly LoggedDecision[], paint: Paint): string {
  const right = { align: "right" } as const;
  const table = renderTable(
    [
      { title: "AT" },
      { title: "MODEL" },
      { title: "UPSTREAM" },
      { title: "OUTCOME" },
      { title: "ATTEMPTS", ...right },
      { title: "TOOK", ...right },
      { title: "WHY" },
    ],
    decisions.map((one) =>
      [
        one.at,
        one.model ?? "-",
        one.upstream ?? "-",
        `${one.outcome} ${one.status}`,
        String(one.attemptCount),
        formatDuration(one.durationMs),
        one.error ?? one.because ?? "-",
      ].map(printable)
    ),
    (cell, column, row) => {
      if (row < 0) return paint("heading", cell);
      return column === OUTCOME_COLUMN ? paint(ROLES[decisions[row]!.outcome], cell) : cell;
    },
  );
  return table;
}
