import * as z from "zod";
import { backendRegistration } from "../../rpc/backend_registration.ts";
import { component, schemaOf } from "./component.ts";

export const newBackend = component(
  "NewRpcBackend",
  schemaOf(backendRegistration).describe(
    "An rpc backend that is to be known, and what is allowed on it; null takes a limit back.",
  ),
);

const device = component(
  "RpcDevice",
  z.object({
    index: z.int().describe("Within its rpc backend, from 0."),
    name: z.string().nullish().describe("As ggml names it, such as CUDA0. Only a worker tells."),
    description: z.string().nullish().describe("Such as NVIDIA GeForce RTX 3090. Only a worker tells."),
    kind: z.enum(["gpu", "cpu"]).describe("What it is."),
    freeBytes: z.int().describe("What can be planned with, bytes."),
    totalBytes: z.int().describe("All that it has, bytes."),
    memoryKey: z.string().describe("Devices with the same one draw from the same memory."),
    temperatureC: z.number().nullish().describe("Degrees Celsius. Only a worker tells."),
    utilisation: z.number().nullish().describe(
      "Share of its time that it computes, 0 to 1. Only a worker tells.",
    ),
  }).describe("A device of an rpc backend."),
);

export const backendHealth = z.enum(["unknown", "up", "held", "down", "mismatch"]).describe(
  "Not asked yet; usable; it serves a client; out of reach or broken; it runs another llama.cpp than our coordinator.",
);

export const backendView = component(
  "RpcBackend",
  z.object({
    endpoint: z.string().describe("host:port."),
    aliases: z.array(z.string()).describe("Other spellings that lead to the same server."),
    sources: z.array(z.enum(["config", "admin", "worker", "redis"])).describe("Who told of it."),
    health: backendHealth,
    reason: z.string().describe("Why it is so, and what to do if it is not up."),
    ageMs: z.number().nullish().describe("Since when that is known, ms ago."),
    protocol: z.string().nullish().describe("Its rpc protocol, such as 8.0.0."),
    build: z.string().nullish().describe("Its llama.cpp, such as b11669. Only a worker tells."),
    devices: z.array(device).describe("What it lends; empty until it answered once."),
    holder: z.string().nullish().describe("Which of our coordinators has it."),
    workerName: z.string().nullish().describe("The worker that runs it."),
    isDraining: z.boolean().describe("Whether its worker is about to stop: nothing new is planned onto it."),
    limits: z.object({
      memoryLimitBytes: z.number().nullish().describe("Most that may be planned onto it, bytes."),
      isExcluded: z.boolean().describe("Whether no model may be planned onto it."),
      bytesPerSecond: z.number().nullish().describe("How fast weights reach it, bytes a second."),
    }).describe("What the operator allows."),
  }).describe("A server of llama.cpp's rpc, over which models are spread."),
);

export const backendList = component(
  "RpcBackendList",
  z.object({ backends: z.array(backendView).describe("All that are known, whatever their health.") })
    .describe("The rpc backends."),
);

export const backendRemoval = component(
  "RpcBackendRemoval",
  z.object({
    endpoint: z.string().describe("Which one."),
    outcome: z.enum(["removed", "after release"]).describe(
      "after release: a coordinator of ours uses it still.",
    ),
    reason: z.string().describe("One sentence."),
  }).describe("What became of a wish to forget an rpc backend."),
);
