import { Table } from "console-table-printer";
import { measure, type Measured, PHASES } from "../integration/gateway/cancellation_cases.ts";
import { UPSTREAM_KINDS } from "../integration/gateway/played_bed.ts";

/** How long work went on for clients that had left: phase by request, for both kinds of upstream. */
if (import.meta.main) {
  const measured: Measured[] = [];
  for (const phase of PHASES) {
    for (const upstream of UPSTREAM_KINDS) {
      if (!phase.only || phase.only === upstream) measured.push(...await measure(upstream, phase));
    }
  }
  const table = new Table();
  const rows = Map.groupBy(measured, ({ phase, asked, upstream }) => `${phase}|${asked}|${upstream}`);
  for (const cases of rows.values()) {
    const [{ phase, asked, upstream }] = cases as [Measured, ...Measured[]];
    const slowest = (isStream: boolean) => {
      const times = cases.filter(({ stream }) => stream === isStream).map(({ ms }) => ms);
      return times.length === 0 ? "" : `${Math.round(Math.max(...times))}`;
    };
    table.addRow({ phase, asked, upstream, "whole, ms": slowest(false), "stream, ms": slowest(true) });
  }
  table.printTable();
}
