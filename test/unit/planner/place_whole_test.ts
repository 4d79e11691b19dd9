import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import type { GgufModel } from "../../../lib/gguf/model_info.ts";
import { type PlanModel, weighModel } from "../../../lib/planner/model_need.ts";
import { type HostRoom, placeWhole } from "../../../lib/planner/place_whole.ts";
import type { PlanShape } from "../../../lib/planner/plan_input.ts";
import { InsufficientMemoryError } from "../../../lib/planner/shortage.ts";
import { GIB, MIB } from "../../../lib/units.ts";
import { LLAMA_70B } from "../../fixtures/llama_content.ts";
import { describeZooModel } from "../../fixtures/model_zoo/describe_zoo_model.ts";
import { gemma3, llama } from "../../fixtures/model_zoo/dense.ts";
import { mixtral } from "../../fixtures/model_zoo/experts.ts";
import { falconH1, mamba } from "../../fixtures/model_zoo/recurrent.ts";

const SHAPE: PlanShape = { contextSize: 4096, slotCount: 2, kvType: "f16" };

function weighed(shape: Partial<PlanShape> = {}, content: GgufModel = LLAMA_70B): PlanModel {
  return weighModel("big", content, { ...SHAPE, ...shape });
}

function roomOf(freeGib: number, rest: Partial<HostRoom> = {}): HostRoom {
  const memories = [{ name: "CPU", freeBytes: freeGib * GIB }];
  return { place: "this host", memories, reserveBytes: GIB, besideBytes: 0, ...rest };
}

/** What it is refused with. */
function refusalOf(model: PlanModel, room: HostRoom): InsufficientMemoryError {
  let refusal: unknown;
  throws(() => placeWhole(model, LLAMA_70B, room), (error) => {
    refusal = error;
    return error instanceof InsufficientMemoryError;
  });
  return refusal as InsufficientMemoryError;
}

Deno.test("placeWhole() puts all layers on the host, and says what that takes of it", () => {
  const { devices: [device, ...others], ...placement } = placeWhole(weighed(), LLAMA_70B, roomOf(64));
  const { because, endpoints, hostBytes } = placement;
  ok(device);
  equal(others.length, 0);
  deepEqual([device.endpoint, device.name, device.kind], ["this host", "CPU", "cpu"]);
  deepEqual([device.firstLayer, device.layerCount, device.hasOutput], [0, 80, true]);
  deepEqual([endpoints, hostBytes], [[], device.needBytes]);
  equal(device.needBytes, device.weightBytes + device.kvBytes + device.computeBytes);
  equal(device.weightBytes, LLAMA_70B.weights.totalBytes);
  equal(device.freeAfterBytes, 64 * GIB - device.needBytes);
  match(because, /^"big" runs whole on this host: 80 layers, 4\d\.\d GiB of 64\.0 GiB free$/);
});

Deno.test("placeWhole() counts an embedding once that is the output matrix, too", () => {
  const { weights } = LLAMA_70B;
  const totalBytes = weights.totalBytes - weights.outputBytes;
  const tied = { ...LLAMA_70B, weights: { ...weights, totalBytes, outputIsTied: true } };
  const weightBytesOf = (content: GgufModel) =>
    placeWhole(weighed({}, content), content, roomOf(64)).devices[0]!.weightBytes;
  equal(weightBytesOf(LLAMA_70B) - weightBytesOf(tied), weights.outputBytes);
});

Deno.test("placeWhole() counts what is loaded beside the model", () => {
  const needOf = (besideBytes: number) =>
    placeWhole(weighed(), LLAMA_70B, roomOf(64, { besideBytes })).devices[0]!.needBytes;
  equal(needOf(3 * GIB) - needOf(0), 3 * GIB);
});

/** Of one slot of 4096 tokens, MiB. */
const MEASURED = [
  { name: "llama", content: llama(), weights: 9.64, kv: 6, compute: 11.02 },
  {
    name: "llama with a tied embedding",
    content: llama({ tied: true }),
    weights: 9.14,
    kv: 6,
    compute: 11.02,
  },
  { name: "gemma3", content: gemma3(), weights: 14.54, kv: 5.5, compute: 12.03 },
  { name: "mixtral", content: mixtral(), weights: 56.93, kv: 6, compute: 15.52 },
  { name: "mamba", content: mamba(), weights: 6.25, kv: 0.22, compute: 7.54 },
  { name: "falcon-h1", content: falconH1(), weights: 14.35, kv: 6.22, compute: 12.24 },
];

for (const { name, content: zoo, ...measured } of MEASURED) {
  Deno.test(`placeWhole() plans what llama.cpp was seen to allocate: ${name}`, async () => {
    const content = await describeZooModel(zoo);
    const { devices: [device] } = placeWhole(weighed({ slotCount: 1 }, content), content, roomOf(2));
    const inMib = (bytes: number) => Math.round(bytes / MIB * 100) / 100;
    deepEqual([inMib(device!.weightBytes), inMib(device!.kvBytes)], [measured.weights, measured.kv]);
    const ratio = device!.computeBytes / MIB / measured.compute;
    ok(ratio > 0.95 && ratio < 1.05, `${inMib(device!.computeBytes)} MiB, measured ${measured.compute}`);
  });
}

Deno.test("placeWhole() refuses what does not fit with the numbers, and with what would", () => {
  const { message, code, shortage } = refusalOf(weighed({ contextSize: 32_768 }), roomOf(50));
  equal(code, "insufficient_memory");
  match(
    message,
    /^Cannot run "big" whole on this host: needs 5\d\.\d GiB with a context of 2 × 32768 tokens, /,
  );
  match(message, /it has 49\.0 GiB free beside a reserve of 1\.0 GiB; \d+\.\d GiB are missing\. /);
  match(message, /It fits with a context of 2 × \d+ tokens, or with 1 slot, or with kv_type q8_0; or /);
  match(message, /or have it spread over rpc backends: model_sharding_enabled: true$/);
  equal(shortage.missingBytes, shortage.needBytes - 49 * GIB);
  const contextSize = shortage.fittingContextSize!;
  placeWhole(weighed({ contextSize }), LLAMA_70B, roomOf(50));
  refusalOf(weighed({ contextSize: contextSize + 256 }), roomOf(50));
  placeWhole(weighed({ contextSize: 32_768, slotCount: 1 }), LLAMA_70B, roomOf(50));
  placeWhole(weighed({ contextSize: 32_768, kvType: "q8_0" }), LLAMA_70B, roomOf(50));
});

Deno.test("placeWhole() suggests a smaller file where no context is small enough", () => {
  const { message, shortage } = refusalOf(weighed(), roomOf(24));
  equal(shortage.fittingContextSize, undefined);
  match(
    message,
    /No context is small enough; choose a quantisation of at most \d+\.\d GiB \(this one has 37\.\d GiB\), or have/,
  );
});

Deno.test("placeWhole() fits what fits exactly, and nothing more", () => {
  const { needBytes } = placeWhole(weighed(), LLAMA_70B, roomOf(64)).devices[0]!;
  const withFree = (freeBytes: number) => roomOf(0, { memories: [{ name: "CPU", freeBytes }] });
  placeWhole(weighed(), LLAMA_70B, withFree(needBytes + GIB));
  refusalOf(weighed(), withFree(needBytes + GIB - 1));
});

Deno.test("placeWhole() counts RAM and GPUs together, each without the reserve", () => {
  const memories = [
    { name: "CPU", freeBytes: 20 * GIB },
    { name: "CUDA0", freeBytes: 24 * GIB },
    { name: "CUDA1", freeBytes: 0.5 * GIB },
  ];
  const { devices: [device], because } = placeWhole(weighed(), LLAMA_70B, roomOf(0, { memories }));
  deepEqual([device!.kind, device!.name], ["gpu", "CPU+CUDA0+CUDA1"]);
  match(because, /of 44\.5 GiB free$/);
  const { message } = refusalOf(
    weighed(),
    roomOf(0, { memories: memories.slice(0, 1).concat(memories.slice(2)) }),
  );
  match(message, /it has 19\.0 GiB free on CPU, CUDA1 beside a reserve of 1\.0 GiB each/);
});

Deno.test("placeWhole() names whose memory counts as free", () => {
  const { message } = refusalOf(weighed(), roomOf(8, { without: "other:latest", reserveBytes: 0 }));
  match(message, /without "other:latest" it would have 8\.0 GiB free; /);
});

Deno.test("placeWhole() refuses nothing where nobody knows the memory", () => {
  const { devices: [device], because } = placeWhole(weighed(), LLAMA_70B, roomOf(0, { memories: [] }));
  deepEqual([device!.freeBytes, device!.freeAfterBytes], [device!.needBytes, 0]);
  match(because, /80 layers, 4\d\.\d GiB$/);
});
