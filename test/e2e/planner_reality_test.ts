import { deepEqual } from "node:assert/strict";
import { RealityBed } from "./planner_reality.ts";
import { BACKEND_COUNT, FAST_CASES } from "./planner_reality_cases.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const llamaTest = await withLlamaCpp();

llamaTest("plans for twenty architectures and forms are what llama.cpp then does", async (programs) => {
  await using bed = await RealityBed.create(programs, BACKEND_COUNT);
  const problems: string[] = [];
  for (const reality of FAST_CASES) {
    for (const row of await bed.compare(reality)) {
      problems.push(...row.problems.map((problem) => `${row.label}: ${row.planned.name}: ${problem}`));
    }
  }
  deepEqual(problems, []);
});
