import type { Deal } from "./deal.ts";
import type { LayerScale, RangeBytes } from "./layer_scale.ts";
import type { LayerRange, PlanBackend, PlanStrategy } from "./plan_input.ts";
import type { PlacedDevice, Placement } from "./placement.ts";
import { placeOf, type Room } from "./room.ts";

/** A room that holds something, and what. */
interface Share {
  readonly room: Room;
  readonly range: LayerRange;
  readonly bytes: RangeBytes;
}

/** A deal in llama.cpp's words and a person's. */
export function describePlacement(
  scale: LayerScale,
  deal: Deal,
  strategy: PlanStrategy,
): Omit<Placement, "reasons"> {
  const shares = sharesOf(scale, deal);
  const backends = [...new Set(shares.map(({ room }) => room.backend))];
  const nameOf = deviceNamer(backends);
  const devices = shares.map((share): PlacedDevice => {
    const { endpoint, deviceIndex, kind, name: deviceName, freeBytes } = share.room.device;
    return {
      ...{ endpoint, deviceIndex, name: nameOf(share.room), deviceName, kind },
      ...share.range,
      ...share.bytes,
      freeBytes,
      freeAfterBytes: freeAfterBytes(share, shares),
    };
  });
  return {
    devices,
    endpoints: backends.map(({ endpoint }) => endpoint),
    tensorSplit: deal.counts.filter((count) => count > 0),
    hostBytes: scale.model.embeddingBytes + scale.model.hostComputeBytes(devices.length),
    loadMs: loadMs(shares),
    because: explain(scale, shares, backends.length, strategy),
  };
}

function sharesOf(scale: LayerScale, { rooms, counts }: Deal): Share[] {
  let next = 0;
  return rooms.flatMap((room, index) => {
    const [start, end] = [next, next += counts[index]!];
    return end === start ? [] : [{ room, range: scale.rangeOf(start, end), bytes: scale.weigh(start, end) }];
  });
}

/** Numbers go through all devices of the backends in `--rpc`, also through those that get no layer. */
function deviceNamer(backends: readonly PlanBackend[]): (room: Room) => string {
  const firstNumbers = new Map<PlanBackend, number>();
  let number = 0;
  for (const backend of backends) {
    firstNumbers.set(backend, number);
    number += backend.devices.length;
  }
  return ({ backend, device }) => `RPC${firstNumbers.get(backend)! + device.deviceIndex}`;
}

function freeAfterBytes({ room, bytes }: Share, shares: readonly Share[]): number {
  const takenBytes = shares
    .filter((other) => other.room.device.memoryKey === room.device.memoryKey)
    .reduce((sum, other) => sum + other.bytes.needBytes, 0);
  return Math.min(room.device.freeBytes - bytes.needBytes, room.memoryFreeBytes - takenBytes) -
    room.hostBytes;
}

/** llama.cpp sends the weights of one backend after another. */
function loadMs(shares: readonly Share[]): number | undefined {
  let totalMs = 0;
  for (const { room, bytes } of shares) {
    const { bytesPerSecond = 0 } = room.backend;
    if (!(bytesPerSecond > 0)) return undefined;
    totalMs += bytes.weightBytes / bytesPerSecond * 1_000;
  }
  return Math.round(totalMs);
}

function explain(
  { model }: LayerScale,
  shares: readonly Share[],
  backendCount: number,
  strategy: PlanStrategy,
): string {
  const parts = shares.map(({ room, range }) => {
    const what = [
      ...(range.layerCount > 0 ? [range.layerCount] : []),
      ...(range.hasOutput ? ["the output layer"] : []),
    ];
    return `${what.join(" and ")} on ${placeOf(room.device, room.backend)}`;
  });
  const layers = model.blockCount === 1 ? "1 layer" : `${model.blockCount} layers`;
  const backends = backendCount === 1 ? "1 rpc backend" : `${backendCount} rpc backends`;
  const how = shares.length === 1 ? "" : ` ${howDealt(shares, strategy)}`;
  return `${layers} of "${model.name}" over ${backends}${how}: ${parts.join(", ")}`;
}

function howDealt(shares: readonly Share[], strategy: PlanStrategy): string {
  if (strategy === "even") return "evenly";
  if (strategy !== "auto") return "as told";
  const kinds = new Set(shares.map(({ room }) => room.device.kind));
  return kinds.size > 1 ? "with GPUs filled before CPUs" : "in proportion to free memory";
}
