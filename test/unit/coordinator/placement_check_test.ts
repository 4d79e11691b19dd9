import { deepEqual, equal, match, throws } from "node:assert/strict";
import type { ToldBuffer } from "../../../lib/coordinator/coordinator_log.ts";
import { verifyPlacement } from "../../../lib/coordinator/placement_check.ts";
import { weighModel } from "../../../lib/planner/model_need.ts";
import { placeWhole } from "../../../lib/planner/place_whole.ts";
import { planPlacement } from "../../../lib/planner/placement.ts";
import { LLAMA_70B } from "../../fixtures/llama_content.ts";
import { backendOf, equalLayers, weighedModelOf } from "../../fixtures/weighed_model.ts";

const plan = planPlacement(weighedModelOf({ layers: equalLayers(3, 1), outputBytes: 1 }), [
  backendOf(0, [{ freeBytes: 10 }, { freeBytes: 10 }], { endpoint: "a:1" }),
], { strategy: "even" });

function buffer(use: ToldBuffer["use"], deviceIndex: number, bytes: number, endpoint = "a:1"): ToldBuffer {
  return { use, bytes, device: { on: "rpc", endpoint, deviceIndex } };
}
const host: ToldBuffer = { use: "model", bytes: 5, device: { on: "host", name: "CPU_Mapped" } };

Deno.test("verifyPlacement() adds to the plan what each device of a backend really holds", () => {
  const { devices, hostModelBytes } = verifyPlacement("m", plan, [
    host,
    buffer("model", 0, 20),
    buffer("model", 1, 21),
    buffer("KV", 1, 7),
    buffer("RS", 1, 2),
    buffer("compute", 0, 3),
  ]);
  deepEqual(
    devices.map(({ name, actual }) => ({ name, ...actual })),
    [
      { name: "RPC0", weightBytes: 20, kvBytes: 0, computeBytes: 3 },
      { name: "RPC1", weightBytes: 21, kvBytes: 7 + 2, computeBytes: 0 },
    ],
  );
  equal(hostModelBytes, 5);
});

Deno.test("verifyPlacement() refuses a device that got nothing, also if it told so itself", () => {
  throws(() => verifyPlacement("m", plan, [buffer("model", 0, 20)]), /device 1 of a:1 was to hold/);
  throws(
    () => verifyPlacement("m", plan, [buffer("model", 0, 20), buffer("model", 1, 0)]),
    /device 1 of a:1/,
  );
});

Deno.test("verifyPlacement() refuses weights where none were planned", () => {
  const told = [buffer("model", 0, 20), buffer("model", 1, 20), buffer("model", 0, 1, "b:1")];
  throws(() => verifyPlacement("m", plan, told), /device 0 of b:1, which is not in the plan/);
});

Deno.test("verifyPlacement() takes all that is on this host for a model that is whole here", () => {
  const content = LLAMA_70B;
  const room = { place: "this host", memories: [], reserveBytes: 0, besideBytes: 0 };
  const shape = { contextSize: 4096, slotCount: 1, kvType: "f16" };
  const { devices, hostModelBytes, because } = verifyPlacement(
    "m",
    placeWhole(weighModel("m", content, shape), content, room),
    [
      host,
      { use: "model", bytes: 20, device: { on: "host", name: "CUDA0" } },
      { use: "KV", bytes: 7, device: { on: "host", name: "CUDA0" } },
      { use: "compute", bytes: 3, device: { on: "host", name: "CPU" } },
      { use: "output", bytes: 1, device: { on: "host", name: "CPU" } },
    ],
  );
  deepEqual(devices.map(({ endpoint, layerCount, actual }) => ({ endpoint, layerCount, ...actual })), [
    { endpoint: "this host", layerCount: 80, weightBytes: 25, kvBytes: 7, computeBytes: 4 },
  ]);
  equal(hostModelBytes, 25);
  match(because, /^"m" runs whole on this host: /);
});

Deno.test("verifyPlacement() without a plan takes what is on this host", () => {
  deepEqual(verifyPlacement("m", undefined, [host]), {
    devices: [],
    hostModelBytes: 5,
    because: "all layers on this host",
  });
});
