import * as z from "zod";
import { KV_TYPES } from "../../llama_server/args.ts";
import { component } from "./component.ts";
import { backendHealth } from "./rpc_backends.ts";
import { deviceBytes, placedDeviceFields } from "./coordinators.ts";

export const planQuestion = component(
  "PlanQuestion",
  z.object({
    model: z.string().min(1).max(512).describe("The model's name."),
    context_size: z.int().min(1).optional().describe(
      "Tokens of one slot. Default: as the gateway would choose.",
    ),
    slots: z.int().min(1).max(256).optional().describe("Requests at a time."),
    kv_type: z.enum(KV_TYPES).optional().describe("Type of the KV cache."),
    placement: z.string().max(4096).optional().describe(
      "How layers are dealt: auto, even, or layers by endpoint.",
    ),
    assume: z.string().max(16_384).optional().describe(
      "Plans with these instead of what there is: HOST:PORT=SIZE,…",
    ),
    rpc_backends: z.array(z.string().max(300)).min(1).max(64).optional().describe(
      "Plans only with these, host:port each.",
    ),
  }).describe("What is to be planned; nothing is started."),
);

export const plan = component(
  "Plan",
  z.object({
    model: z.string().describe("The model's name."),
    architecture: z.string().describe("Such as llama."),
    fileType: z.string().describe("Such as Q4_K_M."),
    layerCount: z.int().describe("Layers; there is one output layer beside them."),
    contextSize: z.int().describe("Tokens of one slot."),
    slotCount: z.int().describe("Requests at a time."),
    kvType: z.string().describe("Type of the KV cache."),
    fits: z.boolean().describe("Whether there is room."),
    devices: z.array(z.object(placedDeviceFields)).describe("What goes where; empty if it does not fit."),
    endpoints: z.array(z.string()).describe("For --rpc."),
    tensorSplit: z.array(z.number()).describe("For -ts."),
    hostBytes: z.number().describe("What the memory of the gateway's host must take, bytes."),
    loadMs: z.number().nullable().describe("How long the weights take, ms; null if nobody knows the speed."),
    because: z.string().describe("What goes where, or what is missing and what would fit."),
    reasons: z.array(z.string()).describe("Why these backends, what was left out, what is kept free."),
    leftOut: z.array(z.object({
      endpoint: z.string().describe("The rpc backend."),
      health: backendHealth,
      reason: z.string().describe("Why."),
    })).describe("Rpc backends that could not be planned with."),
    shortage: z.object({
      needBytes: z.number().describe("What it needs, bytes."),
      freeBytes: z.number().describe("What can be used at once, bytes."),
      missingBytes: z.number().describe("What is missing, bytes."),
      fittingContextSize: z.int().nullable().describe("The most tokens of one slot that would fit."),
      fittingKvType: z.string().nullable().describe("A type of the KV cache that would fit."),
      neededBackendBytes: z.number().nullable().describe(
        "Free memory that one more rpc backend would need, bytes.",
      ),
      fittingFileBytes: z.number().nullable().describe(
        "The largest file of the model, quantised further, that would fit.",
      ),
      fitsWithAuto: z.boolean().describe("Whether it would fit if layers were dealt by memory."),
    }).nullable().describe("What is missing; null if it fits."),
  }).describe("A plan."),
);

export const loads = component(
  "Loads",
  z.object({
    loads: z.array(z.object({
      id: z.int().describe("Counts up."),
      recordedAtMs: z.number().describe("When, ms since 1970."),
      model: z.string().describe("The model's name."),
      architecture: z.string().describe("Such as llama."),
      build: z.string().nullable().describe("llama.cpp's, such as b11669."),
      loadMs: z.number().describe("From the start of the coordinator until it was ready, ms."),
      devices: z.array(z.object({
        endpoint: z.string().describe("The rpc backend."),
        deviceIndex: z.int().describe("Within it, from 0."),
        estimated: deviceBytes.describe("By the planner."),
        actual: deviceBytes.describe("As llama.cpp told."),
      })).describe("Devices of rpc backends that took a part."),
    })).describe("The newest first."),
  }).describe("What models were estimated to take, and what they took."),
);
