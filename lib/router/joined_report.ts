import type { AnswerReport } from "./answer.ts";

/**
 * Where a request went that was asked in parts.
 *
 * @param reports Of the parts, at least one.
 * @param what Which parts they are, such as `3 choices`; the names of the upstreams follow it.
 */
export function joinReports(reports: readonly AnswerReport[], what: string): AnswerReport {
  const [first] = reports;
  const upstreams = [...new Set(reports.map(({ upstream }) => upstream))].sort().join(", ");
  return {
    ...first!,
    upstream: upstreams,
    because: `${what} over ${upstreams}: ${first!.because}`,
    attemptCount: reports.reduce((sum, { attemptCount }) => sum + attemptCount, 0),
    queueMs: Math.max(...reports.map(({ queueMs }) => queueMs)),
    loadMs: Math.max(...reports.map(({ loadMs }) => loadMs)),
    durationMs: Math.max(...reports.map(({ durationMs }) => durationMs)),
  };
}
