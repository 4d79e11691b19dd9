import { equal } from "node:assert/strict";
import { parseAvailableMemory } from "../../../lib/registry/host_memory.ts";

Deno.test("parseAvailableMemory() finds what is available, not what is free or total", () => {
  const text = "MemTotal:       24683120 kB\nMemFree:         1200000 kB\nMemAvailable:   20000000 kB\n";
  equal(parseAvailableMemory(text), 20_000_000 * 1024);
});

Deno.test("parseAvailableMemory() knows nothing of a kernel that does not say", () => {
  equal(parseAvailableMemory("MemTotal: 24683120 kB\n"), undefined);
  equal(parseAvailableMemory(""), undefined);
});
