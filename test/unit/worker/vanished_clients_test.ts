import { deepEqual } from "node:assert/strict";
import type { WorkerReply } from "../../../lib/rpc/worker_report.ts";
import { VanishedClients } from "../../../lib/worker/vanished_clients.ts";

const [A, B] = ["192.168.1.7:50052", "192.168.1.7:50053"];

/** An answer that says so of these, each as `[endpoint, client]`. */
function reply(...said: [string, string][]): WorkerReply {
  const vanished = said.map(([endpoint, client]) => ({ endpoint, client }));
  return { timeout_ms: 5_000, in_use: [], ...(vanished.length > 0 && { vanished }) };
}

for (
  const { name, replies, last } of [
    { name: "one answer is not enough", replies: [reply([A, "c:1"])], last: {} },
    { name: "two in a row are", replies: [reply([A, "c:1"]), reply([A, "c:1"])], last: { [A]: ["c:1"] } },
    {
      name: "an answer in between clears it",
      replies: [reply([A, "c:1"]), reply(), reply([A, "c:1"])],
      last: {},
    },
    { name: "another client is another matter", replies: [reply([A, "c:1"]), reply([A, "c:2"])], last: {} },
    { name: "another server, too", replies: [reply([A, "c:1"]), reply([B, "c:1"])], last: {} },
    {
      name: "each server is judged for itself",
      replies: [reply([A, "c:1"], [B, "c:2"]), reply([A, "c:1"], [B, "c:2"], [B, "c:3"])],
      last: { [A]: ["c:1"], [B]: ["c:2"] },
    },
  ]
) {
  Deno.test(`which clients are gone: ${name}`, () => {
    const clients = new VanishedClients();
    const confirmed = replies.map((one) => clients.confirm(one));
    deepEqual(Object.fromEntries(confirmed.at(-1)!), last);
  });
}
