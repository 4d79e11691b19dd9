import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import type { Logger } from "../log.ts";
import { selectRows } from "./select_rows.ts";

/** What a device holds of a model. */
export interface DeviceBytes {
  /** Its layers, and its copy of what every device has. */
  readonly weightBytes: number;
  /** The KV cache, and the state of recurrent layers. */
  readonly kvBytes: number;
  /** For computing. */
  readonly computeBytes: number;
}

/** A device of an rpc backend that took a part of a model. */
export interface LoadedDevice {
  /** `host:port` of its rpc backend. */
  readonly endpoint: string;
  /** Index within the backend, from 0. */
  readonly deviceIndex: number;
  /** By the planner, without any correction. */
  readonly estimated: DeviceBytes;
  /** As llama.cpp told. */
  readonly actual: DeviceBytes;
}

/** A load that succeeded. */
export interface LoadRecord {
  /** The model's name, for people. */
  readonly model: string;
  /** `general.architecture` of its GGUF file, such as `llama`. */
  readonly architecture: string;
  /** llama.cpp's build, such as `b11669`; `undefined` if it is not known. */
  readonly build: string | undefined;
  /** From the start of the coordinator until it was ready, ms. */
  readonly loadMs: number;
  /** Each device once; those of the coordinator's own host do not count. */
  readonly devices: readonly LoadedDevice[];
}

/** A load that was recorded. */
export interface StoredLoad extends LoadRecord {
  /** Counts up. */
  readonly id: number;
  /** Wall clock, ms since 1970. */
  readonly recordedAtMs: number;
}

/**
 * Reads loads with their devices, newest first; what cannot be read is skipped, with a warning.
 *
 * @param ids SQL that selects their ids, with `parameters` for its question marks.
 */
export function readLoads(
  connection: DatabaseSync,
  ids: string,
  parameters: readonly (string | number | null)[],
  logger: Logger,
): StoredLoad[] {
  const loads = selectRows(connection, {
    sql: `SELECT * FROM load WHERE id IN (${ids}) ORDER BY id DESC`,
    parameters,
    shape: loadRow,
  }, logger);
  const devices = selectRows(connection, {
    sql: `SELECT * FROM load_device WHERE load_id IN (${ids}) ORDER BY endpoint, device_index`,
    parameters,
    shape: deviceRow,
  }, logger);
  const byLoad = Map.groupBy(devices, ({ loadId }) => loadId);
  return loads.map((load) => ({ ...load, devices: (byLoad.get(load.id) ?? []).map(({ device }) => device) }));
}

const wholeNumber = z.bigint().transform(Number).pipe(z.int().min(0));
const bytes = z.number().min(0);

const loadRow = z.object({
  id: wholeNumber,
  recorded_at_ms: wholeNumber,
  model: z.string(),
  architecture: z.string(),
  build: z.string().nullable(),
  load_ms: z.number().min(0),
}).transform((said) => ({
  id: said.id,
  recordedAtMs: said.recorded_at_ms,
  model: said.model,
  architecture: said.architecture,
  build: said.build ?? undefined,
  loadMs: said.load_ms,
}));

const deviceRow = z.object({
  load_id: wholeNumber,
  endpoint: z.string(),
  device_index: wholeNumber,
  estimated_weight_bytes: bytes,
  estimated_kv_bytes: bytes,
  estimated_compute_bytes: bytes,
  actual_weight_bytes: bytes,
  actual_kv_bytes: bytes,
  actual_compute_bytes: bytes,
}).transform((said): { loadId: number; device: LoadedDevice } => ({
  loadId: said.load_id,
  device: {
    endpoint: said.endpoint,
    deviceIndex: said.device_index,
    estimated: {
      weightBytes: said.estimated_weight_bytes,
      kvBytes: said.estimated_kv_bytes,
      computeBytes: said.estimated_compute_bytes,
    },
    actual: {
      weightBytes: said.actual_weight_bytes,
      kvBytes: said.actual_kv_bytes,
      computeBytes: said.actual_compute_bytes,
    },
  },
}));
