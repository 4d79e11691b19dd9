import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import { parsedBy } from "../parsed_by.ts";
import { formatEndpoint, parseEndpoint } from "./endpoint.ts";
import { isPrivateAddress } from "./ipv4_range.ts";
import { formatVersion, parseVersion } from "./protocol.ts";

/** A device of a worker's rpc backend. */
export interface ReportedDevice {
  /** As ggml names it: `CUDA0`, `CPU`. */
  readonly name: string;
  /** Such as `NVIDIA GeForce RTX 3090`. */
  readonly description?: string | undefined;
  /** What it is. */
  readonly kind: "gpu" | "cpu";
  /** All that it has. */
  readonly total_bytes: number;
  /** Truly available: of a CPU, what the kernel would give without swapping. */
  readonly free_bytes: number;
  /** Equal for devices of this host that draw from the same memory: `ram`, or a GPU's own id. */
  readonly memory_key: string;
  /** Degrees Celsius. */
  readonly temperature_c?: number | undefined;
  /** Share of its time that it computes, 0 to 1. */
  readonly utilisation?: number | undefined;
}

/** An rpc backend that a worker runs. */
export interface ReportedBackend {
  /** `host:port` at which the gateway reaches it. */
  readonly endpoint: string;
  /** Whether its process lives. */
  readonly is_running: boolean;
  /** How often it had to be started anew. */
  readonly restart_count: number;
  /** Addresses of the clients connected to it, from the kernel's table. */
  readonly held_by: readonly string[];
  /** In the order of their index. */
  readonly devices: readonly ReportedDevice[];
}

/**
 * What a worker tells of itself every two seconds, whole each time: so the first one is its joining, and the next one
 * after a restart of the gateway is its return. Names as on the wire.
 */
export interface WorkerReport {
  /** Host name, for people. */
  readonly name: string;
  /** Of the worker's sollol. */
  readonly version: string;
  /** It is about to stop: nothing new is to be planned onto it. */
  readonly is_draining: boolean;
  /** Of its rpc servers, such as `8.0.0`. */
  readonly protocol?: string | undefined;
  /** Of its llama.cpp, such as `b11669`. */
  readonly build?: string | undefined;
  /** The machine itself; `load_1m` as `uptime` tells it, memory in bytes. */
  readonly host: {
    readonly cpu_count: number;
    readonly load_1m?: number | undefined;
    readonly memory_total_bytes: number;
    readonly memory_available_bytes: number;
  };
  /** What it lends. */
  readonly backends: readonly ReportedBackend[];
}

/** More than any machine has, so that a lie or a mistake of units is found: 64 TiB. */
const MAX_BYTES = 64 * 1024 ** 4;
const MAX_BACKENDS = 64;
const MAX_DEVICES = 64;

const bytes = z.int().min(0).max(MAX_BYTES);
const shortText = z.string().min(1).max(200);

const device = z.strictObject({
  name: shortText.describe("As ggml names it: CUDA0, CPU."),
  description: shortText.optional().describe("Such as NVIDIA GeForce RTX 3090."),
  kind: z.enum(["gpu", "cpu"]).describe("What it is."),
  total_bytes: bytes.describe("All that it has."),
  free_bytes: bytes.describe("Truly available: of a CPU, what the kernel would give without swapping."),
  memory_key: shortText.describe(
    "Equal for devices of this host that draw from the same memory: ram, or a GPU's own id.",
  ),
  temperature_c: z.number().min(-50).max(250).optional().describe("Degrees Celsius."),
  utilisation: z.number().min(0).max(1).optional().describe("Share of its time that it computes."),
}).refine((said) => said.free_bytes <= said.total_bytes, {
  error: "must not have more free_bytes than total_bytes",
  path: ["free_bytes"],
});

const backend = z.strictObject({
  endpoint: z.string().max(300).transform(parsedBy(readOwnEndpoint)).describe(
    "host:port at which the gateway reaches it; in a private network.",
  ),
  is_running: z.boolean().describe("Whether its process lives."),
  restart_count: z.int().min(0).describe("How often it had to be started anew."),
  held_by: z.array(z.string().max(100)).max(16).describe("Addresses of the clients connected to it."),
  devices: z.array(device).min(1).max(MAX_DEVICES).describe("In the order of their index."),
});

/** Reads a {@linkcode WorkerReport}; what is absurd is refused, since a worker is not trusted. */
export const workerReport: JsonShape<WorkerReport> = z.strictObject({
  name: shortText.describe("Host name, for people."),
  version: shortText.describe("Of the worker's sollol."),
  is_draining: z.boolean().describe("It is about to stop: nothing new is to be planned onto it."),
  protocol: z.string().max(20).transform(parsedBy((text) => formatVersion(parseVersion(text)))).optional()
    .describe("Of its rpc servers, such as 8.0.0."),
  build: shortText.optional().describe("Of its llama.cpp, such as b11669."),
  host: z.strictObject({
    cpu_count: z.int().min(1).max(65_536).describe("Processors."),
    load_1m: z.number().min(0).max(1e6).optional().describe("As uptime tells it, over a minute."),
    memory_total_bytes: bytes.describe("All that it has."),
    memory_available_bytes: bytes.describe("What the kernel would give without swapping."),
  }).describe("The machine itself."),
  backends: z.array(backend).max(MAX_BACKENDS).describe("The rpc backends that it lends."),
});

/** What the gateway answers to a report. */
export interface WorkerReply {
  /** How long it waits for the next one before it calls the worker's backends down, ms. */
  readonly timeout_ms: number;
  /** Which of its backends coordinators use now; a draining worker waits for them. */
  readonly in_use: readonly { readonly endpoint: string; readonly holder: string }[];
  /**
   * Clients, `address:port`, that a backend believes to serve, but that are gone from the gateway's host without its
   * knowing: it waits for them for ever. Left out for none.
   */
  readonly vanished?: readonly { readonly endpoint: string; readonly client: string }[] | undefined;
}

/** A worker is not trusted: it cannot make the gateway talk to the whole world. Names are taken as they are. */
function readOwnEndpoint(text: string): string {
  const endpoint = parseEndpoint(text);
  if (!/^[\d.]+$/.test(endpoint.host) || isPrivateAddress(endpoint.host)) return formatEndpoint(endpoint);
  throw new RangeError(`${endpoint.host} is a public address; lend rpc backends in a private network only`);
}
