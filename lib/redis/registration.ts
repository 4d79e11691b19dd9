import * as z from "zod";
import { formatEndpoint, parseEndpoint } from "../rpc/endpoint.ts";
import { isPrivateAddress } from "../rpc/ipv4_range.ts";

/** An rpc backend that the predecessor's `register_gpu_node.py` wrote into Redis: a hint, which a probe must verify. */
export interface RegisteredByRedis {
  /** `host:port`; the host is a private IPv4 address. */
  readonly endpoint: string;
  /** Names of its GPUs, for people; empty without one. */
  readonly gpuNames: readonly string[];
  /** 80 % of what its GPUs have in total, not of what is free; for people. */
  readonly gpuMemoryBytes: number;
  /** 80 % of what its host has in total, not of what is free; for people. */
  readonly cpuMemoryBytes: number;
}

/** What the keys begin with; `{ip}:{port}` follows. */
export const REGISTRATION_PREFIX = "sollol:rpc:node:";

const BYTES_PER_MB = 1024 ** 2; // as nvidia-smi counts
const MAX_MB = 64 * 1024 ** 2;
const MAX_GPUS = 64;

const megabytes = z.number().min(0).max(MAX_MB);

const registration = z.object({
  has_gpu: z.boolean().optional(),
  gpu_names: z.array(z.string().max(200)).max(MAX_GPUS).default([]),
  gpu_vram_mb: z.array(megabytes).max(MAX_GPUS).default([]),
  cpu_ram_mb: megabytes.default(0),
});

/**
 * Reads one registration. Only private addresses are taken: the predecessor's Redis stands in the network without a
 * password, so anyone there may write to it, and a public address would make us send a model and what is asked of it
 * to a stranger. Host names are not, either: their owner may point them anywhere.
 *
 * @param key `sollol:rpc:node:{ip}:{port}`.
 * @param value JSON; what is missing in it is taken for nothing, what is unknown is not looked at.
 * @throws {RangeError} If one of them is not as the script writes it; the message says what.
 * @see scripts/register_gpu_node.py of SOLLOL 0.9.66
 */
export function parseRegistration(key: string, value: string): RegisteredByRedis {
  if (!key.startsWith(REGISTRATION_PREFIX)) {
    throw new RangeError(`its key does not begin with ${REGISTRATION_PREFIX}`);
  }
  const address = key.slice(REGISTRATION_PREFIX.length);
  const endpoint = parseEndpoint(address);
  if (formatEndpoint(endpoint) !== address) throw new RangeError("its key does not end in ip:port");
  if (!isPrivateAddress(endpoint.host)) {
    throw new RangeError(
      "its address is not a private IPv4 address; name the backend in rpc_backends if you trust it",
    );
  }
  const { gpu_names, gpu_vram_mb, cpu_ram_mb } = readValue(value);
  return {
    endpoint: address,
    gpuNames: gpu_names,
    gpuMemoryBytes: gpu_vram_mb.reduce((sum, mb) => sum + mb, 0) * BYTES_PER_MB,
    cpuMemoryBytes: cpu_ram_mb * BYTES_PER_MB,
  };
}

function readValue(value: string): z.infer<typeof registration> {
  const result = registration.safeParse(parseJson(value));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.length ? `its ${issue.path.join(".")}` : "its value";
  throw new RangeError(`${where} is not as the script writes it: ${issue?.message}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RangeError("its value is not JSON, or longer than 4 KiB"); // no excerpt: it is a stranger's
  }
}
