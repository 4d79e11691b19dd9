import * as z from "zod";
import { parseEndpoint } from "./endpoint.ts";
import { parseVersion } from "./protocol.ts";

/** More than any machine has, so that a lie or a mistake of units is found: 64 TiB. */
const MAX_BYTES = 64 * 1024 ** 4;
const MAX_BACKENDS = 64;
const MAX_DEVICES = 64;

const bytes = z.int().min(0).max(MAX_BYTES);
const shortText = z.string().min(1).max(200);

const device = z.strictObject({
  name: shortText.describe("As ggml names it: CUDA0, CPU."),
  description: shortText.optional(),
  kind: z.enum(["gpu", "cpu"]),
  total_bytes: bytes,
  free_bytes: bytes.describe("Truly available: MemAvailable for a CPU."),
  memory_key: shortText.describe("Equal for devices that draw from the same memory: ram, or a GPU's own id."),
  temperature_c: z.number().min(-50).max(250).optional(),
  utilisation: z.number().min(0).max(1).optional(),
}).refine((said) => said.free_bytes <= said.total_bytes, {
  error: "must not have more free_bytes than total_bytes",
  path: ["free_bytes"],
});

const backend = z.strictObject({
  endpoint: z.string().max(300).refine(isEndpoint, { error: "must be host:port, IPv4 only" })
    .describe("host:port at which the gateway reaches it."),
  is_running: z.boolean(),
  restart_count: z.int().min(0),
  held_by: z.array(z.string().max(100)).max(16)
    .describe("Addresses of the clients connected to it, from the kernel's table."),
  devices: z.array(device).min(1).max(MAX_DEVICES),
});

/**
 * What a worker tells of itself every two seconds, whole each time: so the first one is its joining, and the next one
 * after a restart of the gateway is its return.
 */
export const workerReport = z.strictObject({
  name: shortText.describe("Host name, for people."),
  version: shortText.describe("Of the worker's sollol."),
  is_draining: z.boolean().describe("It is about to stop: nothing new is to be planned onto it."),
  protocol: z.string().max(20).refine(isVersion, { error: "must be a version such as 8.0.0" }).optional(),
  build: shortText.optional().describe("Of its llama.cpp, such as b11669."),
  host: z.strictObject({
    cpu_count: z.int().min(1).max(65_536),
    load_1m: z.number().min(0).max(1e6).optional(),
    memory_total_bytes: bytes,
    memory_available_bytes: bytes,
  }),
  backends: z.array(backend).max(MAX_BACKENDS),
});

/** One report, validated; keys as on the wire. */
export type WorkerReport = z.infer<typeof workerReport>;

/** What the gateway answers to a report. */
export interface WorkerReply {
  /** How long it waits for the next one before it calls the worker's backends down, ms. */
  readonly timeout_ms: number;
  /** Which of its backends coordinators use now; a draining worker waits for them. */
  readonly in_use: readonly { readonly endpoint: string; readonly holder: string }[];
}

function isEndpoint(text: string): boolean {
  return doesNotThrow(() => parseEndpoint(text));
}

function isVersion(text: string): boolean {
  return doesNotThrow(() => parseVersion(text));
}

function doesNotThrow(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
