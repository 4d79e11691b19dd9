import { deepEqual, equal, match } from "node:assert/strict";
import { RefusedMemory } from "../../../lib/coordinator/refused_memory.ts";
import { planPlacement } from "../../../lib/planner/placement.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { backendOf, equalLayers, weighedModelOf } from "../../fixtures/weighed_model.ts";

/** 2 GiB on each. */
const plan = planPlacement(
  weighedModelOf({ layers: equalLayers(3, GIB), outputBytes: GIB }),
  ["a:1", "b:1"].map((endpoint) => backendOf(0, [{ freeBytes: 4 * GIB }], { endpoint })),
  { strategy: "even" },
);
const views = [backendView("a:1"), backendView("b:1")];

function knowingRefusal(bytes: number, { deviceName = "RPC1", endpoint = "b:1" } = {}) {
  const clock = new FakeClock();
  const refused = new RefusedMemory({ clock, trustMs: 300_000 });
  refused.note({ endpoint, deviceName, bytes }, plan);
  return { refused, clock };
}

function freeGib(refused: RefusedMemory): number[] {
  return refused.cap(views).map(({ devices: [device] }) => device!.freeBytes / GIB);
}

Deno.test("RefusedMemory leaves backends alone that never refused", () => {
  const refused = new RefusedMemory({ clock: new FakeClock(), trustMs: 1 });
  deepEqual(refused.cap(views), views);
  equal(refused.describe(views), "");
});

Deno.test("RefusedMemory counts a device as what was planned beside the buffer that it refused", () => {
  const { refused } = knowingRefusal(GIB / 2);
  deepEqual(freeGib(refused), [24, 1.5]);
  const [, capped] = refused.cap(views);
  match(capped!.reason, /^b:1 is up\. b:1 had no room for 512\.0 MiB.* counts as 1\.5 GiB for 5 min 0 s/);
});

Deno.test("RefusedMemory says what to do", () => {
  const { refused } = knowingRefusal(GIB);
  match(refused.describe(views), /^\. b:1 had no room for 1\.0 GiB.*sollol register b:1 --memory SIZE/);
});

Deno.test("RefusedMemory never counts a device as less than nothing, nor as more than it says", () => {
  deepEqual(freeGib(knowingRefusal(9 * GIB).refused), [24, 0]);
  const { refused } = knowingRefusal(1);
  const [, device] = refused.cap([views[0]!, backendView("b:1", { freeBytes: GIB })]);
  equal(device!.devices[0]!.freeBytes, GIB);
});

Deno.test("RefusedMemory forgets after a while", () => {
  const { refused, clock } = knowingRefusal(GIB);
  clock.advance(299_999);
  deepEqual(freeGib(refused), [24, 1]);
  clock.advance(1);
  deepEqual(freeGib(refused), [24, 24]);
  equal(refused.describe(views), "");
});

Deno.test("RefusedMemory believes a backend again once its operator has spoken", () => {
  const { refused } = knowingRefusal(GIB);
  refused.forget("a:1");
  deepEqual(freeGib(refused), [24, 1]);
  refused.forget("b:1");
  deepEqual(freeGib(refused), [24, 24]);
});

for (const stranger of [{ deviceName: "RPC7" }, { endpoint: "a:1" }]) {
  Deno.test(`RefusedMemory ignores a refusal by what is not in the plan: ${JSON.stringify(stranger)}`, () => {
    deepEqual(freeGib(knowingRefusal(GIB, stranger).refused), [24, 24]);
  });
}
