import { deepEqual } from "node:assert/strict";
import { measure, PHASES } from "./cancellation_cases.ts";
import { UPSTREAM_KINDS } from "./played_bed.ts";

/** What is promised is one second; a busy machine gets more. */
const LIMIT_MS = 5_000;

for (const phase of PHASES) {
  for (const upstream of UPSTREAM_KINDS) {
    if (phase.only && phase.only !== upstream) continue;
    Deno.test(`nobody works for a client any more that left: ${phase.name}, ${upstream}`, async () => {
      const measured = await measure(upstream, phase);
      deepEqual(measured.filter(({ ms }) => !(ms <= LIMIT_MS)), []);
    });
  }
}
