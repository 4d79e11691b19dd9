import { ok } from "node:assert/strict";
import { hostComputeBytes } from "../../../lib/planner/host_compute.ts";
import { MIB } from "../../../lib/units.ts";
import { describeZooModel } from "../../fixtures/model_zoo/describe_zoo_model.ts";
import { gemma3, llama } from "../../fixtures/model_zoo/dense.ts";
import { mamba } from "../../fixtures/model_zoo/recurrent.ts";

const MEASURED = [
  {
    name: "llama on one device",
    content: llama(),
    contextSize: 4096,
    slotCount: 1,
    deviceCount: 1,
    mib: 6.02,
  },
  { name: "llama on two", content: llama(), contextSize: 4096, slotCount: 1, deviceCount: 2, mib: 21.07 },
  {
    name: "llama, four slots",
    content: llama(),
    contextSize: 16_384,
    slotCount: 4,
    deviceCount: 3,
    mib: 69.09,
  },
  { name: "gemma3 on two", content: gemma3(), contextSize: 4096, slotCount: 1, deviceCount: 2, mib: 25.11 },
  { name: "mamba on two", content: mamba(), contextSize: 4096, slotCount: 1, deviceCount: 2, mib: 5.03 },
] as const;

for (const { name, content, contextSize, slotCount, deviceCount, mib } of MEASURED) {
  Deno.test(`hostComputeBytes() is what llama.cpp was seen to allocate: ${name}`, async () => {
    const shape = { contextSize, slotCount, kvType: "f16" };
    const planned = hostComputeBytes(await describeZooModel(content), shape, deviceCount) / MIB;
    ok(planned > mib * 0.98 && planned < mib * 1.02, `${planned.toFixed(2)} MiB, measured ${mib}`);
  });
}
