import { equal, ok } from "node:assert/strict";
import { readProcessWork } from "../../../lib/process/process_work.ts";

const isLinux = Deno.build.os === "linux";

Deno.test({ name: "readProcessWork() sees a process compute and read", ignore: !isLinux }, async () => {
  const before = await readProcessWork(Deno.pid);
  const file = new URL(import.meta.url);
  for (const startedMs = performance.now(); performance.now() - startedMs < 50;) await Deno.readFile(file);
  const after = await readProcessWork(Deno.pid);
  ok(before && after);
  ok(after.cpuMs > before.cpuMs, `${after.cpuMs} ms`);
  ok(after.readBytes - before.readBytes >= (await Deno.stat(file)).size);
});

Deno.test("readProcessWork() knows nothing of a process that is none", async () => {
  equal(await readProcessWork(2 ** 22 + 1), undefined);
});
