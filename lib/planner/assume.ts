import { formatEndpoint, parseEndpoint } from "../rpc/endpoint.ts";
import { MIB, parseBytes } from "../units.ts";
import type { PlanBackend, PlanDevice } from "./plan_input.ts";

/** More than any device has, so that a mistake of units is found: 64 TiB. */
const MAX_BYTES = 64 * 1024 ** 4;
const MAX_DEVICES = 64;
const HINT = 'write for example "gpu1:50052=24GiB" or "10.0.0.3:50052=gpu:15.5GiB+cpu:64GiB@110MB"';

/**
 * Reads the backends that `--assume` is to plan with: `host:port=24GiB,host2=gpu:15.5GiB+cpu:64GiB@110MB`. That is the
 * free memory of each device, a GPU if nothing is said, and how many bytes a second reach the backend.
 *
 * @throws {RangeError} If it cannot be read; the message says what to write.
 */
export function parseAssumptions(text: string): PlanBackend[] {
  const backends = text.split(",").map(readBackend);
  const endpoints = backends.map(({ endpoint }) => endpoint);
  const repeated = endpoints.find((endpoint, index) => endpoints.indexOf(endpoint) < index);
  if (repeated !== undefined) {
    throw new RangeError(
      `Cannot assume ${repeated} twice; write its devices in one, such as ${repeated}=24GiB+24GiB`,
    );
  }
  return backends;
}

function readBackend(text: string): PlanBackend {
  const [where = "", devicesAndSpeed = "", ...more] = text.trim().split("=");
  const [devicesText = "", speed, ...further] = devicesAndSpeed.split("@");
  if (devicesText.trim() === "" || more.length > 0 || further.length > 0) {
    throw new RangeError(`Cannot assume "${excerpt(text)}": it is not host:port=memory; ${HINT}`);
  }
  const endpoint = formatEndpoint(parseEndpoint(where));
  const parts = devicesText.split("+");
  if (parts.length > MAX_DEVICES) {
    throw new RangeError(`Cannot assume ${parts.length} devices at ${endpoint}; ${MAX_DEVICES} at most`);
  }
  const devices = parts.map((part, deviceIndex) => readDevice(part, endpoint, deviceIndex));
  return speed === undefined
    ? { endpoint, devices }
    : { endpoint, devices, bytesPerSecond: readSpeed(speed) };
}

function readDevice(text: string, endpoint: string, deviceIndex: number): PlanDevice {
  const [, kind = "gpu", size = ""] = /^(?:(gpu|cpu):)?(.*)$/i.exec(text.trim()) ?? [];
  const freeBytes = readSize(size);
  if (freeBytes < MIB || freeBytes > MAX_BYTES) {
    throw new RangeError(
      `Cannot assume "${
        excerpt(text)
      }" at ${endpoint}: memory is between 1 MiB and 64 TiB; write the unit, too, as in 24GiB`,
    );
  }
  return {
    endpoint,
    deviceIndex,
    kind: kind.toLowerCase() === "cpu" ? "cpu" : "gpu",
    freeBytes,
    totalBytes: freeBytes,
    memoryKey: `${endpoint}/${deviceIndex}`,
  };
}

function readSpeed(text: string): number {
  const bytesPerSecond = readSize(text.trim().replace(/\/s$/i, ""));
  if (bytesPerSecond >= 1_000 && bytesPerSecond <= MAX_BYTES) return bytesPerSecond;
  throw new RangeError(
    `Cannot assume "${excerpt(text)}" as bytes per second; write for example 110MB for a gigabit network`,
  );
}

function readSize(text: string): number {
  try {
    return parseBytes(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`Cannot assume "${excerpt(text)}" as memory or speed; ${HINT}`, { cause: error });
  }
}

/** A message must stay a sentence, however long the input was. */
function excerpt(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
