import { GatewayError } from "../errors.ts";
import type { BindAddress } from "./bind_address.ts";
import { type GgmlDevice, isCpuDevice } from "../llama_cpp/ggml_devices.ts";
import type { RpcServerLaunch } from "./rpc_server.ts";

/** Which rpc servers are to run. */
export interface ServerWishes {
  /** Path of `ggml-rpc-server`. */
  readonly program: string;
  /** Where they listen. */
  readonly bind: BindAddress;
  /** Port of the first one; each further one has the next. */
  readonly firstPort: number;
  /** Devices of each of them; an empty group is all GPUs, or the CPU where there is none. */
  readonly deviceGroups: readonly (readonly string[])[];
  /** Threads of a CPU device; `undefined` for half of the processors. */
  readonly threadCount: number | undefined;
  /** Whether they keep large weights on disk. */
  readonly isCaching: boolean;
  /** Their whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Reads the devices of one rpc server: `CUDA0,CUDA1`.
 *
 * @throws {RangeError} If a name is empty or no name of a device.
 */
export function parseDeviceGroup(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  const wrong = names.find((name) => !/^[a-z][\w.-]{0,63}$/i.test(name));
  if (wrong === undefined) return names;
  throw new RangeError(`"${wrong.slice(0, 80)}" is no device; write for example CUDA0, or CUDA0,CUDA1`);
}

/** Which of this machine's devices are wanted, and in how many rpc servers. */
export interface DeviceWishes {
  /** What {@linkcode parseDeviceGroup} read, one for each rpc server; empty to choose for oneself. */
  readonly named: readonly (readonly string[])[];
  /** One rpc server for each device instead of one for all; of no effect on those that are named. */
  readonly isPerDevice: boolean;
}

/**
 * The devices of each rpc server: what is named, else all GPUs, else the CPU. They are always told to the server:
 * one that lost its GPU would else come back with the CPU, and nobody would notice.
 *
 * @param present All that there are; empty if that is unknown, and then the server is left to choose.
 * @throws {GatewayError} `invalid_request` if this machine does not have a device that is named.
 */
export function chooseDeviceGroups(
  present: readonly GgmlDevice[],
  { named, isPerDevice }: DeviceWishes,
): (readonly string[])[] {
  const names = present.map(({ name }) => name);
  if (names.length === 0) return named.length > 0 ? [...named] : [[]];
  const missing = named.flat().find((name) => !names.includes(name));
  if (missing !== undefined) {
    throw refuse(`this machine has no device ${missing}; it has ${names.join(", ")}`);
  }
  if (named.length > 0) return [...named];
  const gpus = present.filter((device) => !isCpuDevice(device)).map(({ name }) => name);
  const chosen = gpus.length > 0 ? gpus : [names.includes("CPU") ? "CPU" : names[0]!];
  return isPerDevice ? chosen.map((name) => [name]) : [chosen];
}

/**
 * The rpc servers to start, one for each group of devices.
 *
 * @throws {GatewayError} `invalid_request` if a device is in two groups, or there are more groups than ports.
 */
export function planServers(wishes: ServerWishes): RpcServerLaunch[] {
  const { program, bind: { host, advertised }, firstPort, deviceGroups, threadCount, isCaching, env } =
    wishes;
  const names = deviceGroups.flat();
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw refuse(
      `${twice} is given twice, but two rpc servers would fill its memory twice; give each device once`,
    );
  }
  if (firstPort + deviceGroups.length - 1 > 65_535) {
    throw refuse(
      `${deviceGroups.length} of them from port ${firstPort} need ports beyond 65535; lower --port`,
    );
  }
  return deviceGroups.map((devices, index) => {
    return { program, host, port: firstPort + index, advertised, devices, threadCount, isCaching, env };
  });
}

function refuse(why: string): GatewayError {
  return new GatewayError("invalid_request", `Cannot run the rpc servers: ${why}`);
}
