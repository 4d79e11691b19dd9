import { readRpcServerVersion } from "../llama_cpp/read_version.ts";
import type { GgmlDevice } from "../llama_cpp/ggml_devices.ts";
import { listGgmlDevices } from "./list_devices.ts";
import type { RpcServerLaunch } from "./rpc_server.ts";
import { chooseDeviceGroups, type DeviceWishes, planServers, type ServerWishes } from "./server_plan.ts";

/** Which rpc servers are to run, before anybody has looked which devices there are. */
export type PreparationWishes = Omit<ServerWishes, "deviceGroups"> & DeviceWishes;

/** What {@linkcode prepareServers} found out. */
export interface Preparation {
  /** The rpc servers to start. */
  readonly launches: readonly RpcServerLaunch[];
  /** All devices of this machine; empty if the rpc server does not tell. */
  readonly devices: readonly GgmlDevice[];
  /** Of llama.cpp, such as `b11669`; `undefined` if unknown. */
  readonly build: string | undefined;
}

/**
 * Looks which devices and which build there are, and plans the rpc servers. Starts none.
 *
 * @throws {GatewayError} If the wishes cannot be met, or the program cannot be started; the signal's reason on abort.
 */
export async function prepareServers(
  { named, isPerDevice, ...wishes }: PreparationWishes,
  { signal }: { signal: AbortSignal },
): Promise<Preparation> {
  const { program, env } = wishes;
  const [devices, reading] = await Promise.all([
    listGgmlDevices(program, { env, signal }),
    readRpcServerVersion(program, { signal }),
  ]);
  const deviceGroups = chooseDeviceGroups(devices, { named, isPerDevice });
  const build = reading.ok && reading.version.build !== undefined ? `b${reading.version.build}` : undefined;
  return { launches: planServers({ ...wishes, deviceGroups }), devices, build };
}
