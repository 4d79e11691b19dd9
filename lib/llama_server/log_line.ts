/** Which device a buffer is on. */
export type BufferDevice =
  | {
    readonly on: "rpc";
    /** `host:port` as it was given to `--rpc`. */
    readonly endpoint: string;
    /** Counted within the endpoint, unlike the number in `RPC0` of `--device`. */
    readonly deviceIndex: number;
  }
  | {
    readonly on: "host";
    /** llama.cpp's own name: `CPU`, `CPU_Mapped`, `CUDA0`. */
    readonly name: string;
  };

/** What a buffer holds. */
export type BufferUse = "model" | "KV" | "compute" | "output" | "LoRA" | "RS";

/** What a line of llama-server's log says, at verbosity 4. Failures are read by `parseFailureLine`. */
export type LogEvent =
  /** The list of devices begins: every rpc backend has answered. */
  | { readonly type: "device_info" }
  /** One device of that list. `description` is the endpoint of an rpc device. */
  | {
    readonly type: "device";
    readonly name: string;
    readonly description: string;
    readonly totalBytes: number;
    readonly freeBytes: number;
  }
  /** The model will use this device. */
  | {
    readonly type: "using_device";
    readonly name: string;
    readonly description: string;
    readonly freeBytes: number;
  }
  | { readonly type: "loading" }
  /** Layers on devices, of all; both count the output layer. */
  | { readonly type: "offloaded"; readonly layerCount: number; readonly ofCount: number }
  /** A buffer exists. With `-fit on` a dry run tells 0 bytes first: the last line of a device counts. */
  | {
    readonly type: "buffer";
    readonly use: BufferUse;
    readonly device: BufferDevice;
    readonly bytes: number;
  }
  | { readonly type: "warming_up" }
  | { readonly type: "model_loaded" }
  /** It answers requests. `url` is `http://host:port` or `unix:///path`. */
  | { readonly type: "listening"; readonly url: string }
  /** How long a request took. */
  | {
    readonly type: "timing";
    readonly slot: number;
    readonly task: number;
    readonly phase: "prompt" | "generation" | "total";
    readonly ms: number;
    readonly tokenCount: number;
  }
  | { readonly type: "stopping" };

interface Reader {
  readonly pattern: RegExp;
  read(match: RegExpExecArray): LogEvent;
}

const MIB = 1024 ** 2;
const PHASES = { "prompt eval": "prompt", "eval": "generation", "total": "total" } as const;

/** None is anchored at the start: a prefix of time and level is there or not, and may be torn. */
const READERS: readonly Reader[] = [
  {
    pattern: / ([A-Za-z]+) buffer size = +([\d.]+) MiB/,
    read: (match) => ({
      type: "buffer",
      use: match[1] as BufferUse,
      device: readBufferDevice(match.input.slice(0, match.index)),
      bytes: Math.round(Number(match[2]) * MIB),
    }),
  },
  {
    pattern:
      /slot print_timing: id +(\d+) \| task (\d+) \| +(prompt eval|eval|total) time = +([\d.]+) ms \/ +(\d+) tokens/,
    read: ([, slot, task, phase, ms, tokens]) => ({
      type: "timing",
      slot: Number(slot),
      task: Number(task),
      phase: PHASES[phase as keyof typeof PHASES],
      ms: Number(ms),
      tokenCount: Number(tokens),
    }),
  },
  { pattern: /common_param\w*: device_info:/, read: () => ({ type: "device_info" }) },
  {
    pattern: /common_param\w*: +- (\S+) *: (.*) \((\d+) MiB, (\d+) MiB free\)/,
    read: ([, name, description, total, free]) => ({
      type: "device",
      name: name!,
      description: description!,
      totalBytes: Number(total) * MIB,
      freeBytes: Number(free) * MIB,
    }),
  },
  {
    pattern: /using device (\S+) \((.*)\) \([^()]*\) - (\d+) MiB free/,
    read: ([, name, description, free]) => ({
      type: "using_device",
      name: name!,
      description: description!,
      freeBytes: Number(free) * MIB,
    }),
  },
  { pattern: /load_tensors: loading model tensors/, read: () => ({ type: "loading" }) },
  {
    pattern: /load_tensors: offloaded (\d+)\/(\d+) layers/,
    read: ([, count, of]) => ({ type: "offloaded", layerCount: Number(count), ofCount: Number(of) }),
  },
  { pattern: /warming up the model/, read: () => ({ type: "warming_up" }) },
  { pattern: /llama_server: model loaded/, read: () => ({ type: "model_loaded" }) },
  {
    pattern: /listening on ((?:https?|unix):\/\/\S+)/,
    read: ([, url]) => ({ type: "listening", url: url! }),
  },
  { pattern: /cleaning up before exit/, read: () => ({ type: "stopping" }) },
];

/**
 * Reads one line of llama-server's log.
 *
 * @returns What it says; `undefined` for the many lines that say nothing to us.
 * @see src/llama-model.cpp, common/common.cpp and tools/server/server.cpp of llama.cpp, b11669
 */
export function parseLogLine(line: string): LogEvent | undefined {
  for (const { pattern, read } of READERS) {
    const match = pattern.exec(line);
    if (match) return read(match);
  }
  return undefined;
}

/** The last word before the buffer's size: `RPC0[127.0.0.1:50052]` or `CPU_Mapped`. */
function readBufferDevice(text: string): BufferDevice {
  const name = text.trimEnd().split(" ").at(-1)!;
  const rpc = /^RPC(\d+)\[(.+)\]$/.exec(name);
  return rpc ? { on: "rpc", endpoint: rpc[2]!, deviceIndex: Number(rpc[1]) } : { on: "host", name };
}
