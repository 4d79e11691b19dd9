import { deepEqual, equal } from "node:assert/strict";
import { workerReport } from "../../../lib/rpc/worker_report.ts";
import { buildReport, type WorkerFacts } from "../../../lib/worker/report.ts";

const facts: WorkerFacts = {
  name: "shelf-2",
  version: "0.1.0",
  build: undefined,
  isDraining: false,
  host: { totalBytes: 1_000, availableBytes: 600, cpuCount: 2, load1m: undefined },
  gpus: [],
  servers: [{
    endpoint: "10.0.0.2:50052",
    isRunning: true,
    restartCount: 3,
    protocol: "8.0.0",
    devices: [{ name: "CPU", description: "", totalBytes: 2_000, freeBytes: 2_000 }],
    clients: Array.from({ length: 40 }, (_, index) => `10.0.0.9:${40_000 + index}`),
  }],
};

Deno.test("buildReport() makes what the gateway takes, and leaves out what is not known", () => {
  const report = buildReport(facts);
  deepEqual(workerReport.safeParse(report), { success: true, data: report });
  equal(report.protocol, "8.0.0");
  equal("build" in report, false);
  equal("load_1m" in report.host, false);
  equal("description" in report.backends[0]!.devices[0]!, false);
});

Deno.test("buildReport() offers of the CPU what the container leaves, and names as many clients as there is room for", () => {
  const [backend] = buildReport(facts).backends;
  equal(backend!.devices[0]!.total_bytes, 1_000);
  equal(backend!.devices[0]!.free_bytes, 600);
  equal(backend!.held_by.length, 16);
});
