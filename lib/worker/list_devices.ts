import { run } from "../process/run.ts";
import { COUNT_LIKE_DRIVER, type GgmlDevice, parseDeviceList } from "../llama_cpp/ggml_devices.ts";

/** How {@linkcode listGgmlDevices} asks. */
export interface ListDevicesOptions {
  /** The program's whole environment; {@linkcode COUNT_LIKE_DRIVER} is added unless it says otherwise. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends the program. */
  readonly signal: AbortSignal;
  /** How long it may take, ms. Default 30 s: it loads every driver. */
  readonly timeoutMs?: number;
}

/** A device that no machine has. */
const NO_DEVICE = "none-such";

/**
 * The devices that an rpc server could expose here. It has no option for that, but lists them when it is asked for
 * one that it does not have, and ends without listening.
 *
 * @returns Empty if it lists none, as some builds do: that is no reason to refuse it.
 * @throws {GatewayError} If the program cannot be started; the signal's reason on abort.
 * @see `get_devices` in tools/rpc/rpc-server.cpp
 */
export async function listGgmlDevices(
  program: string,
  { env, signal, timeoutMs = 30_000 }: ListDevicesOptions,
): Promise<GgmlDevice[]> {
  const { stdout, stderr } = await run(program, ["-d", NO_DEVICE], {
    env: { ...COUNT_LIKE_DRIVER, ...env },
    signal,
    timeoutMs,
  });
  const listed = parseDeviceList(stdout);
  return listed.length > 0 ? listed : parseDeviceList(stderr);
}
