import { deepEqual, equal, rejects } from "node:assert/strict";
import { createLogger } from "../../../lib/log.ts";
import type { WorkerReport } from "../../../lib/rpc/worker_report.ts";
import type { BeatOutcome } from "../../../lib/worker/gateway_link.ts";
import { Heartbeat, nextBeatMs } from "../../../lib/worker/heartbeat.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const accepted = (timeoutMs = 6_000): BeatOutcome => {
  return { kind: "accepted", reply: { timeout_ms: timeoutMs, in_use: [] } };
};
const unreachable = (because: string, retryAfterMs?: number): BeatOutcome => {
  return { kind: "unreachable", because, retryAfterMs };
};
const vanished = [{ endpoint: "10.0.0.7:50052", client: "10.0.0.1:4711" }];
const doubted: BeatOutcome = { kind: "accepted", reply: { timeout_ms: 6_000, in_use: [], vanished } };
const refused: BeatOutcome = { kind: "refused", because: "answers 401" };

for (
  const { name, outcome, ms } of [
    { name: "two seconds after a report that was taken", outcome: accepted(), ms: 2_000 },
    { name: "sooner for an impatient gateway", outcome: accepted(1_500), ms: 500 },
    { name: "not in a storm for a very impatient one", outcome: accepted(1), ms: 200 },
    { name: "soon when a backend waits for a client that is gone", outcome: doubted, ms: 500 },
    { name: "as soon after a failure", outcome: unreachable("refused"), ms: 2_000 },
    { name: "when the gateway wants it", outcome: unreachable("503", 9_000), ms: 9_000 },
    { name: "slowly while somebody has to change something", outcome: refused, ms: 30_000 },
  ]
) {
  Deno.test(`nextBeatMs() is ${name}`, () => equal(nextBeatMs(outcome), ms));
}

/** A heartbeat whose gateway answers as told, one answer a report and the last one again and again. */
function bed(...outcomes: BeatOutcome[]) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const stop = new AbortController();
  const sentAtMs: number[] = [];
  const heartbeat = new Heartbeat({
    clock,
    logger: createLogger({ sink: (line) => lines.push(JSON.parse(line).message), clock }),
    buildReport: () => Promise.resolve({} as WorkerReport),
    gateway: {
      url: "http://gateway",
      report: () => {
        sentAtMs.push(clock.monotonic() - 1_000_000);
        return Promise.resolve(outcomes.length > 1 ? outcomes.shift()! : outcomes[0]!);
      },
    },
  });
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 100) {
      clock.advance(100);
      await settle();
    }
  };
  return { heartbeat, pass, lines, sentAtMs, stop };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

Deno.test("a heartbeat beats every two seconds and tells once that it joined", async () => {
  const { heartbeat, pass, lines, sentAtMs, stop } = bed(accepted());
  const running = heartbeat.run({ signal: stop.signal });
  await settle();
  await pass(6_000);
  stop.abort();
  await running;
  deepEqual(sentAtMs, [0, 2_000, 4_000, 6_000]);
  deepEqual(lines, ["joined the gateway"]);
});

Deno.test("a heartbeat tells of each change once, and of the return", async () => {
  const down = unreachable("refused");
  const { heartbeat, pass, lines, stop } = bed(
    accepted(),
    down,
    down,
    down,
    unreachable("timeout"),
    accepted(),
  );
  const running = heartbeat.run({ signal: stop.signal });
  await settle();
  await pass(30_000);
  stop.abort();
  await running;
  deepEqual(lines, [
    "joined the gateway",
    "gateway not reached",
    "gateway not reached",
    "joined the gateway",
  ]);
});

Deno.test("a heartbeat that is refused says so once and goes on slowly", async () => {
  const { heartbeat, pass, lines, sentAtMs, stop } = bed(refused);
  const running = heartbeat.run({ signal: stop.signal });
  await settle();
  await pass(61_000);
  stop.abort();
  await running;
  deepEqual(sentAtMs, [0, 30_000, 60_000]);
  deepEqual(lines, ["gateway refuses this worker"]);
});

Deno.test("a nudge sends the next report at once, but not into a gateway that is not there", async () => {
  const taken = bed(accepted());
  const running = taken.heartbeat.run({ signal: taken.stop.signal });
  await settle();
  await taken.pass(500);
  taken.heartbeat.nudge();
  await settle();
  taken.stop.abort();
  await running;
  deepEqual(taken.sentAtMs, [0, 500]);

  const lost = bed(unreachable("refused"));
  const trying = lost.heartbeat.run({ signal: lost.stop.signal });
  await settle();
  lost.heartbeat.nudge();
  await settle();
  lost.stop.abort();
  await trying;
  deepEqual(lost.sentAtMs, [0]);
});

Deno.test("a heartbeat does not hide a bug", async () => {
  const heartbeat = new Heartbeat({
    clock: new FakeClock(),
    logger: createLogger({ sink: () => {} }),
    buildReport: () => Promise.reject(new TypeError("a bug")),
    gateway: { url: "", report: () => Promise.resolve(accepted()) },
  });
  await rejects(heartbeat.run({ signal: new AbortController().signal }), TypeError);
});
