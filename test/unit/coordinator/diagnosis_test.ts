import { deepEqual, equal } from "node:assert/strict";
import { type BackendFinding, findTrouble } from "../../../lib/coordinator/diagnosis.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const findings: BackendFinding[] = [
  { endpoint: "a:1", verdict: "up", reason: "a:1 is up" },
  { endpoint: "b:1", verdict: "down", reason: "b:1 is down" },
];

Deno.test("findTrouble() tells the backends that are not up", async () => {
  const trouble = await findTrouble(() => Promise.resolve(findings), ["a:1", "b:1"], {
    clock: new FakeClock(),
    withinMs: 100,
  });
  deepEqual(trouble, [findings[1]]);
});

Deno.test("findTrouble() gives up on probes that take too long", async () => {
  const clock = new FakeClock();
  const asked = findTrouble(() => new Promise(() => {}), ["a:1"], { clock, withinMs: 100 });
  clock.advance(1_000);
  deepEqual(await asked, []);
});

Deno.test("findTrouble() gives the probes its own deadline, and hears those that use it up", async () => {
  const clock = new FakeClock();
  const slow = async (_endpoints: readonly string[], { timeoutMs }: { timeoutMs: number }) => {
    await clock.sleep(timeoutMs);
    return findings;
  };
  const asked = findTrouble(slow, ["a:1", "b:1"], { clock, withinMs: 100 });
  clock.advance(100);
  deepEqual(await asked, [findings[1]]);
});

Deno.test("findTrouble() gives up when its signal aborts", async () => {
  const abort = new AbortController();
  const asked = findTrouble(() => new Promise(() => {}), ["a:1"], {
    clock: new FakeClock(),
    withinMs: 100,
    signal: abort.signal,
  });
  abort.abort();
  deepEqual(await asked, []);
});

Deno.test("findTrouble() lets a probe that throws not hide the symptom", async () => {
  const options = { clock: new FakeClock(), withinMs: 100 };
  deepEqual(await findTrouble(() => Promise.reject(new Error("no")), ["a:1"], options), []);
});

Deno.test("findTrouble() asks nobody about nothing", async () => {
  let isAsked = false;
  const diagnose = () => {
    isAsked = true;
    return Promise.resolve(findings);
  };
  deepEqual(await findTrouble(diagnose, [], { clock: new FakeClock(), withinMs: 1 }), []);
  equal(isAsked, false);
});
