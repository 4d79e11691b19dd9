import { equal, ok } from "node:assert/strict";
import { mapConcurrently } from "../../lib/concurrent.ts";
import type { WorkerReport } from "../../lib/rpc/worker_report.ts";
import { MIB } from "../../lib/units.ts";
import { workerReport } from "../fixtures/registry_bed.ts";
import { chat } from "./chat.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";
import { listBackends } from "./worker_bed.ts";

const test = await withLlamaCpp();

/** Within that a worker that has fallen silent is known to be gone. */
const DOWN_MS = 6_000;
const CROWD_COUNT = 1_000;
const CHAT_COUNT = 50;

test("a thousand workers come and fall silent, and nobody's answer waits for them", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve();
  const { url, program } = gateway;
  await chat(url, { maxTokens: 1 });
  const [quietMs, quietBytes] = [await slowestChat(url), residentBytes(program.pid)];
  const crowd = Array.from({ length: CROWD_COUNT }, (_, index) => fakeReport(index));
  const beat = () => mapConcurrently(crowd, 32, (report) => sendReport(url, report));
  await beat();
  const [busyMs] = await Promise.all([slowestChat(url), beat()]);
  ok(
    busyMs < 20 * quietMs + 500,
    `the slowest of ${CHAT_COUNT} chats took ${busyMs} ms, without them ${quietMs} ms`,
  );
  const growthBytes = residentBytes(program.pid) - quietBytes;
  ok(growthBytes < 200 * MIB, `memory grew by ${growthBytes} bytes`);
  const lost = async () =>
    (await listBackends(url)).filter(({ health, reason }) =>
      health === "down" && /no heartbeat from worker fake-\d+ for 5 s/.test(reason)
    ).length;
  await eventually("all are down", async () => await lost() === CROWD_COUNT, DOWN_MS);
  equal((await chat(url)).status, 200);
  bed.assertAlive([0]);
  await gateway.stop();
});

/** Sends chats one after the other. @returns How long the slowest took, ms. */
async function slowestChat(url: string): Promise<number> {
  let slowestMs = 0;
  for (let count = 0; count < CHAT_COUNT; count++) {
    const startMs = performance.now();
    equal((await chat(url, { maxTokens: 1 })).status, 200);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
  }
  return slowestMs;
}

/** Of a worker whose rpc server nobody can reach: nothing listens on port 9. */
function fakeReport(index: number): WorkerReport {
  const endpoint = `127.77.${index >> 8}.${index & 255}:9`;
  return workerReport(`fake-${index}`, [{ endpoint }]);
}

async function sendReport(url: string, report: WorkerReport): Promise<void> {
  const response = await fetch(`${url}/api/workers/${report.name}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(report),
  });
  equal(response.status, 200, await response.text());
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) * 1024;
}
