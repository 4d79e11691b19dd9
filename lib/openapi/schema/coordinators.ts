import * as z from "zod";
import { component } from "./component.ts";

export const placedDeviceFields = {
  endpoint: z.string().describe("host:port of its rpc backend, or this host."),
  deviceIndex: z.int().describe("Within the rpc backend, from 0."),
  name: z.string().describe("llama.cpp's name: RPC0."),
  deviceName: z.string().nullish().describe("As ggml names it on its own host: CUDA0."),
  kind: z.enum(["gpu", "cpu"]).describe("What it is."),
  firstLayer: z.int().describe("Index of its lowest layer."),
  layerCount: z.int().describe("Layers, without the output layer."),
  hasOutput: z.boolean().describe("Whether the output layer is there, too."),
  weightBytes: z.number().describe("Its layers, bytes."),
  kvBytes: z.number().describe("Their KV cache, bytes."),
  computeBytes: z.number().describe("Its compute buffer, bytes."),
  needBytes: z.number().describe("All together, bytes."),
  freeBytes: z.number().describe("Free before the model is loaded, bytes."),
  freeAfterBytes: z.number().describe("Free after that, bytes."),
};

const actualBytes = z.object({
  weightBytes: z.number().describe("Weights, bytes."),
  kvBytes: z.number().describe("KV cache, bytes."),
  computeBytes: z.number().describe("For computing, bytes."),
});

export const deviceBytes = actualBytes;

export const verifiedPlacement = component(
  "VerifiedPlacement",
  z.object({
    devices: z.array(z.object({
      ...placedDeviceFields,
      actual: actualBytes.describe("What it really holds, as llama.cpp told."),
    })).describe("Planned and real."),
    hostModelBytes: z.number().describe("Weights that stayed on the gateway's host, bytes."),
    because: z.string().describe("Why the layers are where they are."),
  }).describe("Where the layers of a model are."),
);

const stage = z.enum(["connecting", "loading", "warming up"]);

export const coordinatorState = {
  id: z.string().describe("Names it, such as c1; the same over all its restarts."),
  key: z.string().describe("The model's key."),
  model: z.string().describe("The model's name."),
  state: z.enum(["stopped", "starting", "ready", "draining", "failed"]).describe("Where it is in its life."),
  phase: z.enum(["preparing", "waiting for room", "loading", "backing off"]).nullish().describe(
    "While it is starting.",
  ),
  because: z.string().describe("Why it is in that state."),
  progress: z.object({
    stage: stage.describe("What it does now."),
    sentBytes: z.number().nullish().describe("Weights that have reached the rpc backends, bytes."),
    totalBytes: z.number().nullish().describe("Of so many, as planned."),
  }).nullish().describe("While it loads."),
  inFlightCount: z.int().describe("Slots that are in use."),
  slotCount: z.int().nullish().describe("Slots that there are."),
  waitingCount: z.int().describe("Requests for it that have no slot yet."),
  endpoints: z.array(z.string()).describe("The rpc backends that it holds."),
  loadMs: z.number().nullish().describe("How long its last load took, ms."),
  upMs: z.number().nullish().describe("For how long it has been ready, ms."),
  expiresInMs: z.number().nullish().describe(
    "When it will be stopped for being idle, ms from now; null for never.",
  ),
  isPinned: z.boolean().describe("Whether it is never stopped for others, nor for being idle."),
  failures: z.array(z.object({
    at: z.string().describe("When, ISO 8601."),
    reason: z.string().describe("In a sentence."),
  })).describe("Each time that it died or could not be started; the last few."),
  restartCount: z.int().describe("How often it was started again after a failure."),
};

export const coordinator = component(
  "Coordinator",
  z.object({
    ...coordinatorState,
    pid: z.int().nullable().describe("Process id of its llama-server."),
    contextSize: z.int().nullable().describe("Tokens of one slot."),
    placement: verifiedPlacement.nullable().describe("Where its layers are, once it is ready."),
    tokensPerSecond: z.number().nullable().describe("What all its slots together generate; 0 if it is idle."),
    lastLines: z.array(z.string()).describe("The last lines of its log."),
  }).describe("A llama-server of ours, and how it is."),
);

export const coordinatorList = component(
  "CoordinatorList",
  z.object({ coordinators: z.array(coordinator).describe("All that are or were, those that run first.") })
    .describe("Our coordinators."),
);

const model = z.string().min(1).max(512).describe("The model's name.");
const wait = z.boolean().optional().describe("Whether the answer comes when it is ready. Default: true.");

export const loadWish = component(
  "LoadWish",
  z.object({
    model,
    keep_alive: z.union([z.string().max(64), z.number()]).optional().describe(
      'For how long it stays loaded once it is idle: a duration such as "10m", or seconds.',
    ),
    wait,
  }).describe("A model to be loaded."),
);

export const unloadWish = component("UnloadWish", z.object({ model }).describe("A model to be unloaded."));

export const restartWish = component(
  "RestartWish",
  z.object({ model, wait }).describe("A model to be loaded anew."),
);

export const restartOfOne = component("RestartOfOne", z.object({ wait }).describe("How to restart."));

export const loading = component(
  "Loading",
  z.object({
    model: z.string().describe("Which one."),
    outcome: z.literal("loading").describe("Always."),
    because: z.string().describe("One sentence."),
  }).describe("A load has begun."),
);

export const unloaded = component(
  "Unloaded",
  z.object({
    model: z.string().describe("Which one."),
    outcome: z.enum(["unloaded", "after use", "not loaded"]).describe(
      "not loaded: there was nothing to stop; after use: requests in flight are waited for.",
    ),
    because: z.string().describe("One sentence."),
  }).describe("What became of a wish to unload a model."),
);

export const gatewayEvent = component(
  "GatewayEvent",
  z.looseObject({
    at: z.string().optional().describe("When, ISO 8601."),
    type: z.string().optional().describe(
      "state, phase, loading, evicted, recovering, recovered, backend, node or config, as the event's name.",
    ),
    coordinators: z.array(coordinator).optional().describe("Of a snapshot: how all of them are."),
    count: z.int().optional().describe("Of missed: so many events came too fast; a snapshot follows."),
    because: z.string().optional().describe("One sentence."),
  }).describe("The data of an event: a snapshot first, then each change."),
);
