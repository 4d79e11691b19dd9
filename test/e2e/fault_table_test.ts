import { deepEqual, equal } from "node:assert/strict";
import { canBindLifetime } from "../../lib/process/wrapped_command.ts";
import { FaultBed, SMALL } from "./fault_bed.ts";
import { countToll } from "./fault_toll.ts";
import { FAULTS } from "./faults.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

for (const fault of FAULTS) {
  const skip = fault.mayLose && !await canBindLifetime() ? "no setpriv" : undefined;
  test(`${fault.name}: ${promiseOf(fault)}`, async (programs) => {
    await using bed = await FaultBed.create(programs, SMALL);
    await bed.serve();
    const damage = await fault.run(bed);
    const { lostCount, faults } = countToll([damage]);
    if (!fault.mayLose) deepEqual({ lostCount, faults }, { lostCount: 0, faults: [] });
    equal(damage.leftOverCount, 0);
    await bed.stop();
  }, { skip });
}

function promiseOf({ mayLose }: { mayLose?: boolean }): string {
  return mayLose
    ? "no process is left, and the next gateway serves"
    : "no request is lost, no stream ends in silence, no process is left";
}
