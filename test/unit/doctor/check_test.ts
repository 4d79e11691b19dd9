import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { type Check, runCheck, runChecks } from "../../../lib/doctor/check.ts";
import { ok, splitCure } from "../../../lib/doctor/finding.ts";
import { lateChecks } from "../../../lib/doctor/late_checks.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const NEVER = new AbortController().signal;

function check(name: string, examine: Check["examine"], deadlineMs = 1_000): Check {
  return { name, group: "models", deadlineMs, examine };
}

const fine = (name: string) => check(name, () => Promise.resolve(ok(name)));
const hanging = (name: string) => check(name, () => new Promise(() => {}));

Deno.test("a check that hangs, and does not even obey its signal, is a warning when its time is over", async () => {
  const clock = new FakeClock();
  const running = runCheck(hanging("stuck"), { clock, signal: NEVER });
  clock.advance(1_000);
  const { result, seen, cure } = await running;
  equal(result, "warn");
  equal(seen, "no answer within 1.0 s");
  match(cure!, /run sollol doctor again/);
});

Deno.test("a check that throws is a failure with its message", async () => {
  for (
    const examine of [() => Promise.reject(new Error("boom")), () => {
      throw new Error("boom");
    }]
  ) {
    const { result, seen } = await runCheck(check("bad", examine), { clock: new FakeClock(), signal: NEVER });
    deepEqual({ result, seen }, { result: "fail", seen: "the check itself failed: boom" });
  }
});

Deno.test("a check that is interrupted is no finding", async () => {
  const stop = new AbortController();
  const obedient = check(
    "one",
    (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  );
  const running = runCheck(obedient, { clock: new FakeClock(), signal: stop.signal });
  stop.abort();
  equal((await running).result, "skip");
});

Deno.test("runChecks() gives what is found in order, and waits for all of them at the same time", async () => {
  const clock = new FakeClock();
  const stages = [[hanging("a"), fine("b")], Promise.resolve([hanging("c")]), [fine("d")]];
  const reading = Array.fromAsync(runChecks(stages, { clock, signal: NEVER }));
  await new Promise((resolve) => setTimeout(resolve)); // all have begun
  clock.advance(1_000); // once for both
  deepEqual((await reading).map(({ name, result }) => `${name} ${result}`), [
    "a warn",
    "b ok",
    "c warn",
    "d ok",
  ]);
});

Deno.test("runChecks() ends with the reason of its signal", async () => {
  const stop = new AbortController();
  const reading = Array.fromAsync(
    runChecks([[hanging("a")]], { clock: new FakeClock(), signal: stop.signal }),
  );
  stop.abort(new Error("Ctrl-C"));
  await rejects(reading, /Ctrl-C/);
});

Deno.test("lateChecks() tells by a check what kept the others from being known", async () => {
  const clock = new FakeClock();
  const run = async (find: () => Promise<readonly Check[]>) => {
    const [first] = await lateChecks({ name: "node", group: "Ollama nodes", find }, { clock, signal: NEVER });
    return await runCheck(first!, { clock, signal: NEVER });
  };
  equal((await run(() => Promise.resolve([fine("x")]))).name, "x");
  const failed = await run(() => Promise.reject(new Error("no disk")));
  deepEqual([failed.name, failed.result, failed.seen], ["node", "fail", "the check itself failed: no disk"]);
});

Deno.test("lateChecks() does not wait for ever for what there is to look at", async () => {
  const clock = new FakeClock();
  const waiting = lateChecks({ name: "node", group: "Ollama nodes", find: () => new Promise(() => {}) }, {
    clock,
    signal: NEVER,
  });
  clock.advance(10_000);
  const running = runCheck((await waiting)[0]!, { clock, signal: NEVER });
  clock.advance(10_000);
  equal((await running).seen, "no answer within 6.0 s");
});

Deno.test("splitCure() takes a sentence apart at its last semicolon", () => {
  deepEqual(splitCure("it is down; it was; start it", "?"), { seen: "it is down; it was", cure: "start it" });
  deepEqual(splitCure("it is down", "look"), { seen: "it is down", cure: "look" });
});
