import { deepEqual } from "node:assert/strict";
import { createLogger } from "../../../lib/log.ts";
import { ShedLog } from "../../../lib/serving/shed_log.ts";

const FIGURES = { openCount: 9, clientCount: 2 };

Deno.test("however many connections have to go, there is a line a second, and it counts them all", () => {
  const lines: unknown[] = [];
  const log = new ShedLog(
    createLogger({
      sink: (line) => {
        const { replacedCount, refusedCount, client } = JSON.parse(line);
        lines.push([replacedCount, refusedCount, client]);
      },
    }),
  );
  log.tell(0, FIGURES);
  for (let atMs = 0; atMs < 3_000; atMs++) {
    log.note(atMs % 2 === 0 ? "replaced" : "refused", `client-${atMs}`);
    log.tell(atMs, FIGURES);
  }
  deepEqual(lines, [[1, 0, "client-0"], [500, 500, "client-1000"], [500, 500, "client-2000"]]);
  deepEqual(log.dueMs, 3_000);
  log.tell(3_000, FIGURES);
  deepEqual([lines.at(-1), log.dueMs], [[499, 500, "client-2999"], undefined]);
});
