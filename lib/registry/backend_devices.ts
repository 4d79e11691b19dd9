import type { DeviceMemory } from "../rpc/answer_decoder.ts";
import type { BackendDevice } from "../rpc/backend.ts";
import type { ReportedDevice } from "../rpc/worker_report.ts";

/** All that is known of the devices of an rpc backend. */
export interface KnownDevices {
  /** `host:port`. */
  readonly endpoint: string;
  /** Its host, in words that are equal for backends on the same one. */
  readonly host: string;
  /** What it said itself. */
  readonly memories: readonly DeviceMemory[];
  /** What the kernel of its host had left when it was asked, bytes; `undefined` if that is another host. */
  readonly hostFreeBytes: number | undefined;
  /** What its worker says; empty without one. */
  readonly said: readonly ReportedDevice[];
}

/**
 * The devices with the memory that can be planned with: the least that anyone says. A worker knows better what a
 * device is, but is never believed to have more than the backend itself says.
 */
export function devicesOf(known: KnownDevices): BackendDevice[] {
  return known.memories.map((memory, index) => deviceOf(known, memory, index));
}

function deviceOf(known: KnownDevices, memory: DeviceMemory, index: number): BackendDevice {
  const { endpoint, host, hostFreeBytes, said: { [index]: said } } = known;
  const kind = said?.kind ?? (memory.freeBytes === memory.totalBytes ? "cpu" : "gpu");
  const ownKey = kind === "cpu" ? ramOf(host) : `${endpoint}/${index}`;
  return {
    index,
    name: said?.name,
    description: said?.description,
    kind,
    freeBytes: Math.min(
      memory.freeBytes,
      memory.totalBytes,
      said?.free_bytes ?? Infinity,
      kind === "cpu" ? hostFreeBytes ?? Infinity : Infinity,
    ),
    totalBytes: memory.totalBytes,
    memoryKey: said ? `${said.memory_key} of ${host}` : ownKey,
    temperatureC: said?.temperature_c,
    utilisation: said?.utilisation,
  };
}

/** The `memoryKey` of CPU devices, which share the RAM of their host. */
export function ramOf(host: string): string {
  return `ram of ${host}`;
}
