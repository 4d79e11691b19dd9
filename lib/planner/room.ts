import { GatewayError } from "../errors.ts";
import { formatBytes } from "../units.ts";
import type { PlanModel } from "./model_need.ts";
import type { PlanBackend, PlanDevice } from "./plan_input.ts";

/** Memory that several rooms draw from: it counts once. */
export interface Budget {
  /** For all of them together, without the reserve. */
  readonly bytes: number;
}

/** What the coordinator itself takes of the memory of its host. */
export interface HostShare {
  /** Of the memory. */
  readonly memoryKey: string;
  /** At most. */
  readonly bytes: number;
}

/** A device as room for layers. */
export interface Room {
  /** Whose it is. */
  readonly backend: PlanBackend;
  /** What it is. */
  readonly device: PlanDevice;
  /** Most bytes that it takes if nobody shares: without the reserve, within the limit of its backend. */
  readonly bytes: number;
  /** What it shares with others: its memory, the limit of its backend. */
  readonly budgets: readonly Budget[];
  /** Free bytes of the memory that it draws from, the reserve included. */
  readonly memoryFreeBytes: number;
  /** What the coordinator takes of that memory; 0 on other hosts than its own. */
  readonly hostBytes: number;
}

/** What can be planned onto, and what cannot. */
export interface RoomSurvey {
  /** Rooms of more than nothing, in the order of the backends. */
  readonly rooms: readonly Room[];
  /** What the coordinator itself takes of a device's memory; 0 if it shares none. */
  readonly hostBytes: number;
  /** Sentences about devices that were left out, or share their memory with the coordinator. */
  readonly notes: readonly string[];
}

/** What the coordinator of a model takes of the memory of its host, if its key is known. */
export function hostShareOf(
  { hostBytes: bytes }: Pick<PlanModel, "hostBytes">,
  memoryKey: string | undefined,
): HostShare | undefined {
  return memoryKey === undefined ? undefined : { memoryKey, bytes };
}

/**
 * The room that backends have for layers. Memory that is no number is no memory; a backend that is listed twice counts
 * once, as it does for llama.cpp.
 *
 * @param host What the coordinator takes of a memory: nothing else is planned onto it.
 * @throws {GatewayError} `invalid_request` if the reserve is no number of bytes.
 */
export function surveyRooms(
  backends: readonly PlanBackend[],
  reserveBytes: number,
  host?: HostShare,
): RoomSurvey {
  checkReserve(reserveBytes);
  const { known, repeated } = firstOfEach(backends);
  const pools = poolsOf(known.flatMap(({ devices }) => devices), reserveBytes, host);
  const rooms = known.flatMap((backend) => roomsOf(backend, pools));
  const empty = rooms.filter(({ bytes }) => bytes === 0);
  const beside = rooms.filter(({ hostBytes }) => hostBytes > 0);
  return {
    rooms: rooms.filter(({ bytes }) => bytes > 0),
    hostBytes: beside[0]?.hostBytes ?? 0,
    notes: [
      ...[...repeated].map((endpoint) => `${endpoint} is listed more than once; it counts once`),
      ...empty.map(({ device, backend }) => `${placeOf(device, backend)} has no memory to plan with`),
      ...beside.map(({ device, backend, hostBytes }) =>
        `${placeOf(device, backend)} is on the coordinator's own host, which takes up to ${
          formatBytes(hostBytes)
        } of its memory`
      ),
    ],
  };
}

/**
 * How much of each room can be used if all are: memory that is shared goes to GPUs first, then to the larger ones.
 *
 * @returns In the order of the rooms.
 */
export function allotBytes(rooms: readonly Room[]): number[] {
  const left = new Map<Budget, number>();
  const allotted = new Map<Room, number>();
  for (const room of rooms.toSorted(gpuThenSize)) {
    const bytes = bytesWithin(room, left);
    spend(room, bytes, left);
    allotted.set(room, bytes);
  }
  return rooms.map((room) => allotted.get(room)!);
}

/** Most bytes that a room takes, given what is left of its budgets; one without an entry is whole. */
export function bytesWithin(room: Room, left: ReadonlyMap<Budget, number>): number {
  let bytes = room.bytes;
  for (const budget of room.budgets) bytes = Math.min(bytes, left.get(budget) ?? budget.bytes);
  return bytes;
}

/** Takes bytes off the budgets of a room. */
export function spend(room: Room, bytes: number, left: Map<Budget, number>): void {
  for (const budget of room.budgets) left.set(budget, (left.get(budget) ?? budget.bytes) - bytes);
}

/** `host:port`, with the index of the device if its backend has several. */
export function placeOf(
  { endpoint, deviceIndex }: PlanDevice,
  { devices }: Pick<PlanBackend, "devices">,
): string {
  return devices.length > 1 ? `${endpoint}/${deviceIndex}` : endpoint;
}

function checkReserve(reserveBytes: number): void {
  if (reserveBytes >= 0 && Number.isFinite(reserveBytes)) return;
  throw new GatewayError(
    "invalid_request",
    `Cannot keep a reserve of ${reserveBytes} bytes; give a size such as 1GiB, or 0`,
  );
}

function firstOfEach(backends: readonly PlanBackend[]): { known: PlanBackend[]; repeated: Set<string> } {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  const known = backends.filter(({ endpoint }) => {
    if (seen.has(endpoint)) repeated.add(endpoint);
    return !seen.has(endpoint) && seen.add(endpoint);
  });
  return { known, repeated };
}

/** The memory behind a key. */
interface Pool {
  readonly freeBytes: number;
  /** What is not planned with: the reserve, and what the coordinator takes. */
  readonly keptBytes: number;
  readonly hostBytes: number;
  /** Set if several devices draw from it. */
  readonly budget: Budget | undefined;
}

/** Reports of shared memory are of different moments and limits; no device can have more free than its memory has. */
function poolsOf(
  devices: readonly PlanDevice[],
  reserveBytes: number,
  host: HostShare | undefined,
): Map<string, Pool> {
  const byKey = Map.groupBy(devices, ({ memoryKey }) => memoryKey);
  return new Map([...byKey].map(([key, sharers]) => {
    const freeBytes = sharers.reduce((most, device) => Math.max(most, soundBytes(device.freeBytes)), 0);
    const hostBytes = key === host?.memoryKey ? host.bytes : 0;
    const keptBytes = reserveBytes + hostBytes;
    const budget = sharers.length > 1 ? { bytes: Math.max(freeBytes - keptBytes, 0) } : undefined;
    return [key, { freeBytes, keptBytes, hostBytes, budget }];
  }));
}

function roomsOf(backend: PlanBackend, pools: ReadonlyMap<string, Pool>): Room[] {
  const { memoryLimitBytes } = backend;
  const limit: Budget[] = memoryLimitBytes === undefined ? [] : [{ bytes: soundBytes(memoryLimitBytes) }];
  return backend.devices.map((device) => {
    const { freeBytes: memoryFreeBytes, keptBytes, hostBytes, budget } = pools.get(device.memoryKey)!;
    const budgets = budget ? [...limit, budget] : limit;
    const ownBytes = Math.max(soundBytes(device.freeBytes) - keptBytes, 0);
    const bytes = Math.min(ownBytes, ...budgets.map((shared) => shared.bytes));
    return { backend, device, bytes, budgets, memoryFreeBytes, hostBytes };
  });
}

function soundBytes(bytes: number): number {
  return Number.isFinite(bytes) && bytes > 0 ? bytes : 0;
}

function gpuThenSize(a: Room, b: Room): number {
  return Number(b.device.kind === "gpu") - Number(a.device.kind === "gpu") || b.bytes - a.bytes;
}
