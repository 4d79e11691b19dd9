import * as z from "zod";
import { duration, size } from "./field_kinds.ts";

/** `batch`. */
export const batch = z.strictObject({
  concurrency: z.int().min(1).max(1_000).default(8)
    .describe("Requests of batches that are under way at a time; default 8."),
  retries: z.int().min(0).max(100).default(3)
    .describe("How often a request of a batch is asked again after a failure that may pass; default 3."),
  max_file: size(1024).prefault("200MiB")
    .describe("Largest file that may be uploaded, as a size; default 200MiB."),
  keep: duration().prefault("7d")
    .describe(
      "For how long finished batches, their files and uploads that no batch uses are kept, as a duration; default 7d.",
    ),
}).transform((said) => ({
  concurrency: said.concurrency,
  retryCount: said.retries,
  fileBytes: said.max_file,
  keepMs: said.keep,
}));

/** `limits`. */
export const limits = z.strictObject({
  body: size(1).prefault("32MiB")
    .describe("Largest request body, as a size; default 32MiB."),
  header: size(1024).prefault("64KiB")
    .describe("Largest head of a request, and of an upstream's answer, as a size; default 64KiB."),
  queue: z.int().min(1).max(100_000).default(512)
    .describe(
      "Requests that may wait at a time; those beyond are refused; default 512. Batches are counted by themselves, with the same limit.",
    ),
  queue_wait: duration().prefault("10m")
    .describe("Longest time that a request waits for room, as a duration; default 10m."),
  connections: z.int().min(1).max(1_000_000).default(4096)
    .describe("Connections of clients that are open at a time; those beyond are closed; default 4096."),
  connections_per_client: z.int().min(1).max(1_000_000).default(1024)
    .describe("The same from one address; default 1024."),
  client_concurrency: z.int().min(1).max(100_000).optional()
    .describe(
      "Requests for models that one client, by its key or else its address, may have under way; default: any number.",
    ),
  client_requests_per_minute: z.int().min(1).max(1_000_000).optional()
    .describe("The same in a minute; default: any number. A key's own limits count instead."),
}).transform((said) => ({
  connectionCount: said.connections,
  connectionsPerClient: said.connections_per_client,
  clientConcurrency: said.client_concurrency,
  clientRequestsPerMinute: said.client_requests_per_minute,
  queueCount: said.queue,
  bodyBytes: said.body,
  headerBytes: said.header,
  queueWaitMs: said.queue_wait,
}));

/** `timeouts`. */
export const timeouts = z.strictObject({
  connect: duration().prefault("2s")
    .describe("Longest time for connecting to an upstream, as a duration; default 2s."),
  probe: duration().prefault("2s")
    .describe("Longest time for probing an rpc backend, as a duration; default 2s."),
  drain: duration().prefault("30s")
    .describe("Time that requests in flight get at shutdown, as a duration; default 30s."),
  first_byte: duration().prefault("15m")
    .describe(
      "Longest time until an answer begins, over all attempts and waiting, as a duration; default 15m. What a coordinator " +
        "of ours takes to load and to answer does not count.",
    ),
  stall: duration().prefault("30s")
    .describe(
      "Time without progress after which a coordinator is taken to hang, as a duration; default 30s. " +
        "Prompts get more, by their length.",
    ),
  client_header: duration().prefault("10s")
    .describe("Longest time for the head of a client's request, as a duration; default 10s."),
  client_idle: duration().prefault("2m")
    .describe("For how long a client's connection is kept without a request, as a duration; default 2m."),
  client_body: duration().prefault("30s")
    .describe("Time without a byte after which a request's body is given up, as a duration; default 30s."),
}).transform((said) => ({
  clientHeaderMs: said.client_header,
  clientIdleMs: said.client_idle,
  clientBodyMs: said.client_body,
  connectMs: said.connect,
  probeMs: said.probe,
  drainMs: said.drain,
  stallMs: said.stall,
  firstByteMs: said.first_byte,
}));

/** `log`. */
export const log = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error"]).default("info")
    .describe("Least severe lines that are written; default info."),
  format: z.enum(["auto", "json", "pretty"]).default("auto")
    .describe("json for machines, pretty for people, auto is pretty on a terminal; default auto."),
});
