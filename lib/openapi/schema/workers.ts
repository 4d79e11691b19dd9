import * as z from "zod";
import { workerReport as shape } from "../../rpc/worker_report.ts";
import { component, schemaOf } from "./component.ts";

export const workerReport = component(
  "WorkerReport",
  schemaOf(shape).describe("What a worker tells of itself every two seconds, whole each time."),
);

export const workerReply = component(
  "WorkerReply",
  z.object({
    timeout_ms: z.number().describe("After so long without a report its rpc backends are called down, ms."),
    in_use: z.array(z.object({
      endpoint: z.string().describe("The rpc backend."),
      holder: z.string().describe("The coordinator that uses it."),
    })).describe("Which of its rpc backends are in use; a worker that stops waits for them."),
    vanished: z.array(z.object({
      endpoint: z.string().describe("The rpc backend."),
      client: z.string().describe("address:port of the client that is gone."),
    })).optional().describe("Rpc backends that wait for ever for a client that is gone."),
  }).describe("What a worker is told."),
);

export const workerLeft = component(
  "WorkerLeft",
  z.object({
    name: z.string().describe("Which one."),
    outcome: z.literal("left").describe("Always."),
  }).describe("A worker has left."),
);

export const workerList = component(
  "WorkerList",
  z.object({
    workers: z.array(z.object({
      name: z.string().describe("As it calls itself; with its address where two have the same name."),
      from: z.string().nullable().describe("Address that its reports come from."),
      ageMs: z.number().describe("Since its last report, ms."),
      isLost: z.boolean().describe(
        "Whether it has been silent for too long; its rpc backends are down then.",
      ),
      report: workerReport.describe("Its last report."),
    })).describe("All of them, also those that have fallen silent of late."),
  }).describe("The workers."),
);
