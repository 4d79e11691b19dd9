import { GatewayError } from "../errors.ts";
import { GIB, MIB } from "../units.ts";
import { largestThat } from "./bisect.ts";
import type { PlanModel } from "./model_need.ts";
import type { PlanBackend } from "./plan_input.ts";
import type { Shortage } from "./shortage.ts";

/** llama.cpp rounds the context of a slot up to a multiple of this. */
const CONTEXT_STEP = 256;

/** KV types worth suggesting: q8_0 costs next to no quality, q4_0 some. */
const SMALLER_KV_TYPES = ["q8_0", "q4_0"];

/** Weights cannot be quantised to less than this part of what they are. */
const FILE_STEPS = 64;
const LEAST_FILE_STEPS = 8;

/** Whether a model fits onto the backends that there are, and one more if it is given. */
export type FitTest = (model: PlanModel, another?: PlanBackend) => boolean;

/** What would fit instead of what does not. */
export type Suggestions = Pick<
  Shortage,
  "fittingContextSize" | "fittingKvType" | "neededBackendBytes" | "fittingFileBytes"
>;

/**
 * Finds what would fit, by bisection: each suggestion has been tried.
 *
 * @param model What does not fit.
 * @param wholeBytes What one backend alone would need for it.
 */
export function suggest(model: PlanModel, wholeBytes: number, fits: FitTest): Suggestions {
  const fittingContextSize = findContextSize(model, fits);
  return {
    fittingContextSize,
    fittingKvType: findKvType(model, fits),
    neededBackendBytes: findBackendBytes(model, wholeBytes, fits),
    fittingFileBytes: fittingContextSize === undefined ? findFileBytes(model, fits) : undefined,
  };
}

function findContextSize(model: PlanModel, fits: FitTest): number | undefined {
  const { shape } = model;
  const steps = largestThat(
    1,
    Math.ceil(shape.contextSize / CONTEXT_STEP) - 1,
    (count) => fits(model.reshape({ ...shape, contextSize: count * CONTEXT_STEP })),
  );
  return steps === 0 ? undefined : steps * CONTEXT_STEP;
}

function findKvType(model: PlanModel, fits: FitTest): string | undefined {
  return SMALLER_KV_TYPES.find((kvType) => {
    const other = reshaped(model, kvType);
    return other !== undefined && kvBytesOf(other) < kvBytesOf(model) && fits(other);
  });
}

/** Some models have heads that a block of a quantised type does not divide. */
function reshaped(model: PlanModel, kvType: string): PlanModel | undefined {
  try {
    return model.reshape({ ...model.shape, kvType });
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

/** In steps that a person reads without rounding, so that what the sentence says is enough. */
function findBackendBytes(model: PlanModel, wholeBytes: number, fits: FitTest): number | undefined {
  const stepBytes = wholeBytes >= GIB ? GIB / 10 : MIB;
  const most = Math.ceil(wholeBytes / stepBytes);
  const bytesOf = (steps: number): number => Math.ceil(steps * stepBytes);
  if (!fits(model, anotherBackend(bytesOf(most)))) return undefined;
  const tooSmall = largestThat(1, most - 1, (steps) => !fits(model, anotherBackend(bytesOf(steps))));
  return bytesOf(tooSmall + 1);
}

function anotherBackend(freeBytes: number): PlanBackend {
  const endpoint = "another rpc backend"; // no host name has a space: it cannot meet a real one
  return {
    endpoint,
    devices: [{
      ...{ endpoint, deviceIndex: 0, kind: "gpu", freeBytes, totalBytes: freeBytes, memoryKey: endpoint },
    }],
  };
}

function findFileBytes(model: PlanModel, fits: FitTest): number | undefined {
  const steps = largestThat(1, FILE_STEPS - 1, (count) => fits(quantised(model, count / FILE_STEPS)));
  return steps < LEAST_FILE_STEPS ? undefined : Math.floor(model.fileBytes * steps / FILE_STEPS);
}

function quantised(model: PlanModel, part: number): PlanModel {
  return {
    ...model,
    perLayerWeightBytes: model.perLayerWeightBytes.map((bytes) => bytes * part),
    outputBytes: model.outputBytes * part,
  };
}

function kvBytesOf({ perLayerKvBytes }: PlanModel): number {
  return perLayerKvBytes.reduce((sum, bytes) => sum + bytes, 0);
}
