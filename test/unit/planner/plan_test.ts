import fc from "fast-check";
import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import type { GgufModel } from "../../../lib/gguf/model_info.ts";
import { parseAssumptions } from "../../../lib/planner/assume.ts";
import { planModel, type PlanRequest, requirePlacement } from "../../../lib/planner/plan.ts";
import { InsufficientMemoryError, type Shortage } from "../../../lib/planner/shortage.ts";
import { GIB, MIB } from "../../../lib/units.ts";
import { assignLayers } from "../../fakes/layer_rule.ts";
import { LLAMA_405B, LLAMA_70B, llamaContent } from "../../fixtures/llama_content.ts";
import { backendOf, gpusOf } from "../../fixtures/weighed_model.ts";

/** The machines that this project was begun for. */
const HOMELAB = "10.9.66.154:50052=15.5GiB,10.9.66.250:50052=31.3GiB,10.9.66.90:50052=15.3GiB";

function requestOf(changes: Partial<PlanRequest> = {}): PlanRequest {
  return {
    name: "llama3.1:70b",
    content: LLAMA_70B,
    shape: { contextSize: 8192, slotCount: 1, kvType: "f16" },
    backends: parseAssumptions(HOMELAB),
    reserveBytes: 512 * MIB,
    ...changes,
  };
}

function shortageOf(request: PlanRequest): Shortage & { message: string } {
  const result = planModel(request);
  ok(!result.fits, "it fits");
  return { ...result.shortage, message: result.message };
}

for (
  const { slotCount, on, idle } of [
    { slotCount: 1, on: ["154", "250"], idle: "10.9.66.90:50052 (gpu, 15.3 GiB free)" },
    { slotCount: 4, on: ["154", "250", "90"], idle: undefined },
  ]
) {
  Deno.test(`planModel() of the homelab's 70B: ${slotCount} × 8192 tokens fit onto ${on.length} of its machines`, () => {
    const shape = { contextSize: 8192, slotCount, kvType: "f16" };
    const { devices, reasons } = requirePlacement(planModel(requestOf({ shape })));
    deepEqual(devices.map(({ endpoint }) => endpoint), on.map((last) => `10.9.66.${last}:50052`));
    equal(
      devices.reduce((next, { firstLayer, layerCount }) => firstLayer === next ? next + layerCount : NaN, 0),
      80,
    );
    const degrees = devices.map(({ needBytes, freeBytes }) => needBytes / (freeBytes - 512 * MIB));
    ok(Math.max(...degrees) - Math.min(...degrees) < 0.04, `filled to ${degrees}`);
    equal(reasons.find((reason) => reason.startsWith("Not needed: ")), idle && `Not needed: ${idle}`);
  });
}

Deno.test("planModel() of the homelab's 70B: says what is missing with four slots of 32768 tokens", () => {
  const shape = { contextSize: 32_768, slotCount: 4, kvType: "f16" };
  const { message, ...shortage } = shortageOf(requestOf({ shape }));
  match(
    message,
    /^Cannot place "llama3\.1:70b": needs \d+\.\d GiB with a context of 4 × 32768 tokens, 3 rpc backends have 60\.6 GiB free beside a reserve of 512\.0 MiB each; on the largest device, 10\.9\.66\.250:50052, \d+\.\d GiB are missing\. It fits with a context of 4 × \d+ tokens, or with kv_type q8_0; or add a backend with \d+\.\d GiB free$/,
  );
  const { needBytes, freeBytes, missingBytes } = shortage;
  ok(missingBytes >= needBytes - freeBytes && missingBytes < needBytes - freeBytes + GIB, `${missingBytes}`);
  equal(shortage.fittingKvType, "q8_0");
});

Deno.test("planModel() suggests only what really fits, and nothing less", () => {
  const shape = { contextSize: 32_768, slotCount: 4, kvType: "f16" };
  const request = requestOf({ shape });
  const { fittingContextSize, fittingKvType, neededBackendBytes } = shortageOf(request);
  const fits = (changes: Partial<PlanRequest>): boolean => planModel({ ...request, ...changes }).fits;
  const another = (freeBytes: number): Partial<PlanRequest> => ({
    backends: [...request.backends, backendOf(0, [{ freeBytes }])],
  });
  equal(fittingContextSize! % 256, 0);
  ok(fits({ shape: { ...shape, contextSize: fittingContextSize! } }));
  ok(!fits({ shape: { ...shape, contextSize: fittingContextSize! + 256 } }));
  ok(fits({ shape: { ...shape, kvType: fittingKvType! } }));
  ok(fits(another(neededBackendBytes!)));
  ok(!fits(another(neededBackendBytes! - GIB / 5)));
});

Deno.test("planModel() suggests q4_0 where q8_0 is still too large", () => {
  const shape = { contextSize: 40_960, slotCount: 4, kvType: "f16" };
  equal(shortageOf(requestOf({ shape })).fittingKvType, "q4_0");
});

Deno.test("planModel() suggests no KV type that blocks of its heads do not allow", () => {
  const content = llamaContent({
    blockCount: 8,
    layerBytes: MIB,
    outputBytes: MIB,
    embeddingLength: 320,
    feedForwardLength: 640,
    headLength: 10,
  });
  const odd: GgufModel = {
    ...content,
    layers: content.layers.map((layer) => ({ ...layer, kvHeadCount: 1, keyWidth: 10, valueWidth: 10 })),
  };
  const shape = { contextSize: 1_000_000, slotCount: 1, kvType: "f16" };
  const { fittingKvType, fittingContextSize } = shortageOf(
    requestOf({ content: odd, shape, backends: gpusOf([0.2]), reserveBytes: 0 }),
  );
  equal(fittingKvType, undefined);
  ok(fittingContextSize! > 256);
});

Deno.test("planModel() of a model that fits with no context names the quantisation that would", () => {
  const { message, fittingContextSize, fittingFileBytes } = shortageOf(
    requestOf({ backends: gpusOf([15, 15]) }),
  );
  equal(fittingContextSize, undefined);
  ok(fittingFileBytes! > 20 * GIB && fittingFileBytes! < 28 * GIB, `${fittingFileBytes! / GIB}`);
  match(
    message,
    /No context is small enough; choose a quantisation of at most \d+\.\d GiB \(this one has 37\.4 GiB\), or add a backend with \d+\.\d GiB free$/,
  );
});

Deno.test("planModel() of a model that no quantisation saves asks for memory", () => {
  const { message, fittingFileBytes, neededBackendBytes } = shortageOf(requestOf({ backends: gpusOf([2]) }));
  equal(fittingFileBytes, undefined);
  ok(neededBackendBytes! > 30 * GIB);
  match(message, /1 rpc backend has 1\.5 GiB free.*No context is small enough; add a backend with/);
});

Deno.test("planModel() tells pieces that whole layers cannot use from memory that is missing", () => {
  const { message, needBytes, freeBytes, missingBytes, neededBackendBytes } = shortageOf(
    requestOf({
      content: llamaContent({
        blockCount: 8,
        layerBytes: 4 * GIB,
        outputBytes: GIB,
        embeddingLength: 4096,
        feedForwardLength: 14_336,
      }),
      shape: { contextSize: 256, slotCount: 1, kvType: "f16" },
      backends: gpusOf([7.9, 7.9, 7.9, 7.9, 7.9]),
      reserveBytes: 0,
    }),
  );
  ok(needBytes < freeBytes);
  ok(missingBytes > 8 * GIB && missingBytes < 9 * GIB, `${missingBytes / GIB}`); // for three layers more on one device
  ok(neededBackendBytes! > 8 * GIB);
  match(
    message,
    /5 rpc backends have 39\.5 GiB free; no split by whole layers fits, as one takes up to 4\.\d GiB with its buffers; on the largest device, 10\.0\.0\.2:50052, 8\.\d GiB are missing\./,
  );
});

Deno.test("planModel() says of one slot only its context", () => {
  match(shortageOf(requestOf({ backends: gpusOf([30]) })).message, / with a context of 8192 tokens, /);
});

Deno.test("planModel() without usable memory has a need and no free byte", () => {
  const { freeBytes, needBytes, missingBytes, message } = shortageOf(
    requestOf({ backends: gpusOf([0, 0.5]) }),
  );
  equal(freeBytes, 0);
  equal(missingBytes, needBytes);
  match(message, /0 rpc backends have 0 B free/);
});

Deno.test("planModel() counts what the largest device lacks of the reserve as missing, where none has that", () => {
  const { needBytes, missingBytes } = shortageOf(
    requestOf({ backends: gpusOf([0.1, 0.25]), reserveBytes: GIB / 2 }),
  );
  equal(missingBytes, needBytes + GIB / 4);
});

Deno.test("planModel() asks of one device what the whole model needs there, and not a byte more", () => {
  const request = requestOf({ backends: gpusOf([30]) });
  const { missingBytes, message } = shortageOf(request);
  const fits = (bytes: number): boolean =>
    planModel({ ...request, backends: [backendOf(0, [{ freeBytes: 30 * GIB + bytes }])] }).fits;
  deepEqual([fits(missingBytes), fits(missingBytes - 1)], [true, false]);
  const said =
    /1 rpc backend has 29\.5 GiB free beside a reserve of 512\.0 MiB each; (\d+\.\d) GiB are missing\./
      .exec(message)?.[1];
  ok(fits(Number(said) * GIB) && !fits((Number(said) - 0.1) * GIB), message);
});

Deno.test("planModel() says which of many devices were tried", () => {
  const backends = gpusOf(Array.from({ length: 60 }, () => 1));
  const { message, freeBytes } = shortageOf(requestOf({ backends }));
  equal(freeBytes, 15 * GIB / 2);
  match(message, /, the 15 largest of 60 devices \(no more can be used at once\) have 7\.5 GiB free/);
  const layers = { "10.0.0.2:50052": 40, "10.0.0.3:50052": 40 };
  match(
    shortageOf(requestOf({ backends, strategy: { layers } })).message,
    /, the 2 devices that are named have 1\.0 GiB free/,
  );
});

Deno.test("planModel() evenly without usable memory has a need and no free byte, too", () => {
  const { freeBytes, needBytes, missingBytes } = shortageOf(
    requestOf({ backends: gpusOf([0.5]), strategy: "even" }),
  );
  ok(needBytes > 37 * GIB);
  deepEqual([freeBytes, missingBytes], [0, needBytes]);
});

Deno.test("planModel() multiplies compute buffers by what earlier loads taught", () => {
  const computeOf = (computeCorrection?: number): number[] =>
    requirePlacement(planModel(requestOf({ computeCorrection }))).devices.map(({ computeBytes }) =>
      computeBytes
    );
  deepEqual(computeOf(1.5), computeOf().map((bytes) => Math.ceil(bytes * 1.5)));
});

Deno.test("requirePlacement() of what does not fit throws it with its shortage", () => {
  const result = planModel(requestOf({ backends: gpusOf([1]) }));
  throws(() => requirePlacement(result), (error) => {
    ok(error instanceof InsufficientMemoryError && !result.fits);
    equal(error.code, "insufficient_memory");
    equal(error.shortage, result.shortage);
    return true;
  });
});

for (
  const { name, changes, code } of [
    {
      name: "no layers",
      changes: { content: { ...LLAMA_70B, blockCount: 0, layers: [] } },
      code: "model_unusable",
    },
    { name: "a context of 0", changes: { shape: { contextSize: 0, slotCount: 1, kvType: "f16" } } },
    { name: "a negative context", changes: { shape: { contextSize: -5, slotCount: 1, kvType: "f16" } } },
    { name: "a context of NaN", changes: { shape: { contextSize: NaN, slotCount: 1, kvType: "f16" } } },
    { name: "half a token", changes: { shape: { contextSize: 0.5, slotCount: 1, kvType: "f16" } } },
    { name: "no slot", changes: { shape: { contextSize: 256, slotCount: 0, kvType: "f16" } } },
    {
      name: "more tokens than 32 bits",
      changes: { shape: { contextSize: 2 ** 30, slotCount: 4, kvType: "f16" } },
    },
    {
      name: "a batch of 0",
      changes: { shape: { contextSize: 256, slotCount: 1, kvType: "f16", ubatchSize: 0 } },
    },
    { name: "an unknown KV type", changes: { shape: { contextSize: 256, slotCount: 1, kvType: "f17" } } },
    { name: "no backend", changes: { backends: [] }, code: "no_capacity" },
  ]
) {
  Deno.test(`planModel() refuses ${name}`, () => {
    throws(() => planModel(requestOf(changes)), (error) => {
      ok(error instanceof GatewayError, String(error));
      equal(error.code, code ?? "invalid_request");
      match(error.message, /^Cannot /);
      return true;
    });
  });
}

for (const computeCorrection of [0, -1, NaN, Infinity]) {
  Deno.test(`planModel() refuses a compute correction of ${computeCorrection}`, () => {
    throws(() => planModel(requestOf({ computeCorrection })), RangeError);
  });
}

Deno.test("planModel() takes a context above the trained one, and says so", () => {
  const shape = { contextSize: 140_000, slotCount: 1, kvType: "q4_0" };
  const { reasons } = requirePlacement(planModel(requestOf({ shape, backends: gpusOf([80]) })));
  ok(reasons.some((reason) => /140000 tokens is above the 131072/.test(reason)), reasons.join("\n"));
});

Deno.test("planModel() places a 405B over 64 backends as llama.cpp will", () => {
  const placement = requirePlacement(
    planModel(
      requestOf({ content: LLAMA_405B, backends: gpusOf(Array.from({ length: 64 }, (_, n) => 16 + n % 9)) }),
    ),
  );
  const places = placement.devices.flatMap(({ layerCount, hasOutput }, index) =>
    Array.from({ length: layerCount + Number(hasOutput) }, () => index)
  );
  deepEqual(assignLayers({ blockCount: 126, tensorSplit: placement.tensorSplit }), places);
});

Deno.test("planModel() never suggests what does not fit", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.constantFrom("auto" as const, "even" as const),
      (freeGib, contextSize, strategy) => {
        const shape = { contextSize, slotCount: 4, kvType: "f16" };
        const request = requestOf({ shape, strategy, backends: gpusOf(freeGib) });
        const result = planModel(request);
        if (result.fits) return;
        const { fittingContextSize, fittingKvType, neededBackendBytes } = result.shortage;
        const fits = (changes: Partial<PlanRequest>): boolean => planModel({ ...request, ...changes }).fits;
        if (fittingContextSize) ok(fits({ shape: { ...shape, contextSize: fittingContextSize } }));
        if (fittingKvType) ok(fits({ shape: { ...shape, kvType: fittingKvType } }));
        if (neededBackendBytes) {
          const another = backendOf(100, [{ freeBytes: neededBackendBytes }]);
          ok(fits({ backends: [...request.backends, another] }));
        }
      },
    ),
    { numRuns: 60 },
  );
});
