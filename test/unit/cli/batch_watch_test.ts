import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { untilEnded } from "../../../lib/cli/batch_watch.ts";
import { GatewayError } from "../../../lib/errors.ts";
import type { Batch } from "../../../lib/tasks/batch.ts";
import { batchOf } from "../../fixtures/batch_of.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const running = (completed: number) =>
  batchOf("in_progress", { counts: { total: 100, completed, failed: 0 } });
const over = batchOf("completed", { endedAtMs: 1, counts: { total: 100, completed: 100, failed: 0 } });
const AWAY = new GatewayError("upstream_failed", "No gateway runs there");

/** Looks at a batch that is so at each look; time passes by itself. What is told is `-` before a detail. */
async function watch(
  looks: (Batch | GatewayError)[],
  { stepMs = 1_000, signal = new AbortController().signal } = {},
) {
  const clock = new FakeClock();
  const told: string[] = [];
  let count = 0;
  const progress = {
    update: (text: string, { isDetail = false } = {}) => void told.push(`${isDetail ? "-" : ""}${text}`),
    [Symbol.dispose]: () => {},
  };
  const sleep = clock.sleep.bind(clock);
  clock.sleep = (ms, options) => {
    const slept = sleep(ms, options);
    clock.advance(Math.max(ms, stepMs));
    return slept;
  };
  const next = () => {
    const look = looks[Math.min(count++, looks.length - 1)]!;
    return look instanceof GatewayError ? Promise.reject(look) : Promise.resolve(look);
  };
  const onAway = ({ message }: GatewayError) => void told.push(`away: ${message}`);
  const ended = untilEnded({ get: next }, batchOf("validating"), { clock, signal, onAway, progress });
  return { ended: await ended.catch((error) => error), told, count: () => count, clock };
}

Deno.test("untilEnded() tells each tenth, and the small steps to a terminal only", async () => {
  const { ended, told } = await watch([running(0), running(4), running(11), running(12), over]);
  deepEqual(ended, over);
  deepEqual(told.map((text) => text.replace(/ [█░]+/, "").replace("Batch batch_1", "B")), [
    "B: the gateway looks at its lines",
    "B 0 % (0 of 100 done)",
    "-B 4 % (4 of 100 done)",
    "B 11 % (11 of 100 done)",
    "-B 12 % (12 of 100 done)",
    "B is completed",
  ]);
});

Deno.test("untilEnded() says how long the rest may take, once it has seen enough", async () => {
  const { told } = await watch([running(10), running(20), running(40), over], { stepMs: 10_000 });
  deepEqual(told.map((text) => /; (.*) left/.exec(text)?.[1]), [
    undefined,
    undefined,
    "1 min 20 s",
    "40.0 s",
    undefined,
  ]);
});

Deno.test("untilEnded() waits for a gateway that restarts", async () => {
  const closing = new GatewayError("shutting_down", "The gateway is shutting down");
  const { ended, told } = await watch([running(10), closing, AWAY, AWAY, running(20), over]);
  deepEqual(ended, over);
  deepEqual(told.filter((text) => text.startsWith("away")), [
    "away: The gateway is shutting down",
    "away: No gateway runs there",
    "away: No gateway runs there",
  ]);
});

Deno.test("untilEnded() waits for a gateway for ten minutes in a row, and no longer", async () => {
  const { ended, clock } = await watch([...Array(590).fill(AWAY), running(10), AWAY]);
  equal(ended, AWAY);
  ok(clock.monotonic() - 1_000_000 > 590_000 + 600_000, "it waited anew after the gateway had answered");
  ok(clock.monotonic() - 1_000_000 < 590_000 + 700_000);
});

Deno.test("untilEnded() gives up at once a batch that the gateway does not know", async () => {
  const gone = new GatewayError("not_found", "Cannot find batch");
  const { ended, count } = await watch([running(10), gone]);
  deepEqual([ended, count()], [gone, 2]);
});

Deno.test("untilEnded() ends with the signal's reason, also while the gateway is away", async () => {
  for (const look of [running(1), AWAY]) {
    const clock = new FakeClock();
    const stop = new AbortController();
    const progress = { update: () => {}, [Symbol.dispose]: () => {} };
    const get = () => look instanceof GatewayError ? Promise.reject(look) : Promise.resolve(look);
    const ended = untilEnded({ get }, running(0), { clock, signal: stop.signal, onAway: () => {}, progress });
    const isOver = rejects(ended, { message: "Ctrl-C" });
    clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve));
    stop.abort(new Error("Ctrl-C"));
    await isOver;
  }
});
