import { GatewayError } from "../errors.ts";
import type { BufferUse } from "../llama_server/log_line.ts";
import type { PlacedDevice, Placement } from "../planner/placement.ts";
import { THIS_HOST } from "../registry/identity.ts";
import { formatBytes } from "../units.ts";
import type { ToldBuffer } from "./coordinator_log.ts";

/** What a device really holds, in bytes, as llama.cpp told of it: rounded to 0.01 MiB, 0 for what it did not tell. */
export interface ActualBytes {
  /** Its layers, and its copy of what every device has. */
  readonly weightBytes: number;
  /** The KV cache, and the state of recurrent layers. */
  readonly kvBytes: number;
  /** For computing. */
  readonly computeBytes: number;
}

/** A device, what was planned for it and what it really holds. */
export interface VerifiedDevice extends PlacedDevice {
  /** Beside the plan, which the fields of {@linkcode PlacedDevice} tell. */
  readonly actual: ActualBytes;
}

/** A placement that llama.cpp has confirmed. */
export interface VerifiedPlacement {
  /** A model that is whole on this host has one, whose endpoint is `this host`. Empty if nothing was planned. */
  readonly devices: readonly VerifiedDevice[];
  /** Bytes of weights that stayed on this host: at least the token embedding. */
  readonly hostModelBytes: number;
  /** Why the layers are where they are, one sentence. */
  readonly because: string;
}

/**
 * Compares the plan with the buffers that llama.cpp told of. Without this check a coordinator that lost a device
 * on the way would serve with its layers somewhere else.
 *
 * @throws {GatewayError} `upstream_failed` if a planned device got no weights, or another one got some.
 */
export function verifyPlacement(
  model: string,
  plan: Placement | undefined,
  buffers: readonly ToldBuffer[],
): VerifiedPlacement {
  const devices = (plan?.devices ?? []).map((device) =>
    device.endpoint === THIS_HOST
      ? { ...device, actual: hostBytes(buffers) }
      : verifyDevice(model, device, buffers)
  );
  const planned = new Set(devices.map(keyOf));
  const stranger = buffers.find(({ use, device, bytes }) =>
    use === "model" && device.on === "rpc" && bytes > 0 && !planned.has(keyOf(device))
  );
  if (stranger?.device.on === "rpc") {
    throw new GatewayError(
      "upstream_failed",
      `Cannot trust the placement of "${model}": llama.cpp put weights on ${keyOf(stranger.device)}, ` +
        "which is not in the plan; report this with the coordinator's log",
    );
  }
  return {
    devices,
    hostModelBytes: hostBytes(buffers).weightBytes,
    because: plan?.because ?? "all layers on this host",
  };
}

function verifyDevice(model: string, device: PlacedDevice, buffers: readonly ToldBuffer[]): VerifiedDevice {
  const bytesOf = (use: BufferUse): number =>
    buffers.find((told) =>
      told.use === use && told.device.on === "rpc" && keyOf(told.device) === keyOf(device)
    )
      ?.bytes ?? 0;
  const weightBytes = bytesOf("model");
  if (weightBytes > 0) {
    const kvBytes = bytesOf("KV") + bytesOf("RS");
    return { ...device, actual: { weightBytes, kvBytes, computeBytes: bytesOf("compute") } };
  }
  throw new GatewayError(
    "upstream_failed",
    `Cannot trust the placement of "${model}": ${keyOf(device)} was to hold ${
      formatBytes(device.weightBytes)
    }, ` +
      "but llama.cpp told of no weights there; run the same llama.cpp build everywhere",
  );
}

function keyOf({ endpoint, deviceIndex }: { endpoint: string; deviceIndex: number }): string {
  return `device ${deviceIndex} of ${endpoint}`;
}

/** All that is in the memory of this host, its own GPUs included. */
function hostBytes(buffers: readonly ToldBuffer[]): ActualBytes {
  const bytesOf = (...uses: BufferUse[]): number =>
    buffers
      .filter(({ use, device }) => uses.includes(use) && device.on === "host")
      .reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    weightBytes: bytesOf("model"),
    kvBytes: bytesOf("KV", "RS"),
    computeBytes: bytesOf("compute", "output"),
  };
}
