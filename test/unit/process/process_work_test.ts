import { deepEqual, equal, throws } from "node:assert/strict";
import { parseProcessWork } from "../../../lib/process/process_work.ts";

/** As Linux 6.1 writes it. */
function statOf({ name = "llama-server", state = "S" } = {}): string {
  return `24756 (${name}) ${state} 24700 24756 10829 0 -1 4194304 5310 0 7 0 13 8 0 0 20 0 5 0 2278693 3133440 362 1844674\n`;
}

const IO = "rchar: 104912\nwchar: 9303\nsyscr: 116\nsyscw: 364\nread_bytes: 4096\nwrite_bytes: 0\n" +
  "cancelled_write_bytes: 0\n";

Deno.test("parseProcessWork() reads CPU time, reads, and faults that a disk served", () => {
  deepEqual(parseProcessWork(statOf(), IO), {
    cpuMs: 210,
    readBytes: 109_008,
    majorFaultCount: 7,
    waitsForDisk: false,
  });
});

Deno.test("parseProcessWork() tells one that waits for a disk", () => {
  equal(parseProcessWork(statOf({ state: "D" }), IO).waitsForDisk, true);
});

for (const name of ["llama server", "a) D 1 (b", "))) 1 1"]) {
  Deno.test(`parseProcessWork() reads a process that calls itself ${JSON.stringify(name)}`, () => {
    deepEqual(parseProcessWork(statOf({ name }), IO), parseProcessWork(statOf(), IO));
  });
}

for (
  const { name, stat, io } of [
    { name: "nothing", stat: "", io: "" },
    { name: "a line that is cut off", stat: statOf().slice(0, 40), io: IO },
    { name: "a kernel that does not count what is read", stat: statOf(), io: "wchar: 1\n" },
    { name: "something else", stat: "x".repeat(1_000_000), io: "rchar: many\nread_bytes: -1\n" },
  ]
) {
  Deno.test(`parseProcessWork() refuses ${name}`, () => {
    throws(() => parseProcessWork(stat, io), RangeError);
  });
}
