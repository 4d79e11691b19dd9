import { equal } from "node:assert/strict";
import type { PlanReport } from "../../lib/planner/plan_report.ts";
import { Program } from "./program.ts";
import type { Sandbox } from "./sandbox.ts";

/** What `sollol plan` said. */
export interface Planned {
  readonly code: number;
  readonly report: PlanReport;
}

/** Plans by the command. */
export async function planWith(sandbox: Sandbox, args: readonly string[]): Promise<Planned> {
  const { code, stdout, stderr } = await Program.run(sandbox, ["plan", ...args, "--json"]);
  equal(stderr, "");
  return { code, report: JSON.parse(stdout) };
}
