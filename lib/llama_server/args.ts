import type { Pooling } from "../gguf/model_traits.ts";
import type { ModelParams } from "../ollama/params.ts";
import { samplingArgs } from "./sampling_args.ts";

/** Where llama-server listens. */
export type ServerAddress =
  | {
    transport: "unix";
    /** Must end in `.sock`: that is how llama-server tells a path from a host name. */
    path: string;
  }
  | {
    transport: "tcp";
    hostname: string;
    /** 0 lets the kernel choose; the port is then told in the log. */
    port: number;
  };

/** The rpc devices that hold the layers. */
export interface RpcPlacement {
  /** `host:port` of each rpc backend; each named once. */
  readonly endpoints: readonly string[];
  /** `RPC0`, `RPC3`, …: numbers count through all devices of all endpoints in their order. */
  readonly deviceNames: readonly string[];
  /** Layers of each device, the output layer counted as one. */
  readonly tensorSplit: readonly number[];
}

/** Types that llama.cpp can keep the KV cache in. A quantised V needs flash attention. */
export const KV_TYPES = ["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"] as const;

/** One of {@linkcode KV_TYPES}. */
export type KvType = typeof KV_TYPES[number];

/** All that a llama-server is started with. */
export interface LaunchOptions {
  /** The GGUF file; the first shard of a split one. */
  readonly modelPath: string;
  /** The model's name in answers; commas, at which llama-server would split it, become `_` there. */
  readonly alias: string;
  /** A socket or port of its own; nobody else may have it. */
  readonly listen: ServerAddress;
  /** Asked of every request but `/health`. Handed over by the environment, where `ps` does not show it. */
  readonly apiKey: string;
  /** Tokens of one slot. */
  readonly slotContextSize: number;
  /** Requests that are computed at once. */
  readonly slotCount: number;
  /** Without it everything stays on this host, and llama.cpp fits it to its own devices. */
  readonly rpc?: RpcPlacement | undefined;
  /** Threads for what is computed on this host. Default: all cores. */
  readonly threadCount?: number | undefined;
  /** Tokens of a prompt per logical batch. Default: llama.cpp's. */
  readonly batchSize?: number | undefined;
  /** Tokens of a prompt per physical batch; the compute buffers grow with it. Default: llama.cpp's. */
  readonly ubatchSize?: number | undefined;
  /** Host memory for prompts of earlier requests, MiB; llama.cpp's own default is 8192. Default 256. */
  readonly promptCacheMib?: number | undefined;
  /** Default `f16`. */
  readonly cacheTypeK?: KvType | undefined;
  /** Default `f16`; a quantised one needs flash attention. */
  readonly cacheTypeV?: KvType | undefined;
  /** The projector of a model that sees or hears. */
  readonly mmprojPath?: string | undefined;
  /** LoRA adapters, all applied at full strength. */
  readonly loraPaths?: readonly string[] | undefined;
  /** Options stored with the model: what requests that say nothing get. They go over Ollama's own defaults. */
  readonly params?: ModelParams | undefined;
  /** Set for a model that embeds or ranks: it is started for that, and each input must fit into one physical batch. */
  readonly pooling?: Pooling | undefined;
  /** Options of the user, after ours. */
  readonly extraArgs?: readonly string[] | undefined;
}

/** Arguments, and what the environment must hold beside them. */
export interface LaunchCommand {
  /** Without the program itself. */
  readonly args: string[];
  /** To be added to the child's; holds the API key. */
  readonly env: Record<string, string>;
}

/** llama.cpp refuses 16 and more `--tensor-split` values. */
export const MAX_TENSOR_SPLIT = 15;

/** More than any model has: all layers, and the output layer. */
const ALL_LAYERS = "999";

/**
 * An idle kept-alive connection holds one of llama-server's HTTP threads for 5 s. Of ten requests that came together
 * to its 8 default threads, two waited 4 s for one. So there are more than the 64 connections that we keep.
 */
const HTTP_THREADS = "80";

/** Options that the coordinator depends on; a user who changes one breaks it. */
const OWNED_FLAGS = new Set([
  ...["-m", "--model", "-a", "--alias", "--host", "--port", "--api-key", "--api-key-file", "--api-prefix"],
  ...["--rpc", "-dev", "--device", "-ngl", "--gpu-layers", "--n-gpu-layers", "-ts", "--tensor-split"],
  ...["-sm", "--split-mode", "-fit", "--fit", "-c", "--ctx-size", "-np", "--parallel"],
  ...["-lv", "--verbosity", "--log-verbosity", "-v", "--verbose", "--log-verbose", "--log-disable"],
  ...["--log-jsonl", "--log-file", "--ssl-key-file", "--ssl-cert-file", "--list-devices", "--no-slots"],
]);

/** Options that change how much memory is needed, where plans do not see them; with the key of the config that they do. */
const PLANNED_FLAGS: ReadonlyMap<string, string> = new Map([
  ...["-ctk", "--cache-type-k", "-ctv", "--cache-type-v"].map((flag) =>
    [flag, "coordinator.kv_type"] as const
  ),
  ...["-ub", "--ubatch-size"].map((flag) => [flag, "coordinator.ubatch_size"] as const),
  ...["-kvu", "--kv-unified", "-nkvo", "--no-kv-offload", "--swa-full"].map((flag) => [flag, ""] as const),
]);

/**
 * Arguments and environment of a llama-server.
 *
 * @throws {RangeError} If a value is one that llama.cpp would misread or refuse.
 * @see tools/server/README.md and common/arg.cpp of llama.cpp, b10587
 */
export function buildLaunchCommand(options: LaunchOptions): LaunchCommand {
  const { modelPath, alias, listen, slotCount, slotContextSize, threadCount, promptCacheMib = 256 } = options;
  return {
    args: [
      ...["-m", modelPath, "-a", alias.replaceAll(",", "_")],
      ...placementArgs(options.rpc),
      // Slots divide the context: what a user asks for is what each request gets.
      ...["-c", String(slotContextSize * slotCount), "-np", String(slotCount)],
      ...(threadCount === undefined ? [] : ["-t", String(threadCount)]),
      ...batchArgs(options),
      ...(options.cacheTypeK ? ["-ctk", options.cacheTypeK] : []),
      ...(options.cacheTypeV ? ["-ctv", options.cacheTypeV] : []),
      ...projectorArgs(options),
      ...(options.loraPaths ?? []).flatMap((path) => ["--lora", listItem(path)]),
      ...taskArgs(options),
      ...["-cram", String(promptCacheMib)],
      // 4 tells devices and buffers, and of requests only what is malformed (see own_line.ts); 5 would tell all.
      ...["-lv", "4", "--no-ui", "--offline", "--metrics", "--threads-http", HTTP_THREADS],
      ...listenArgs(listen),
      ...checkExtraArgs(options.extraArgs ?? []),
    ],
    env: {
      LLAMA_API_KEY: options.apiKey,
      GGML_NO_BACKTRACE: "1", // an abort would start gdb, half a second late and with 3 kB of noise
    },
  };
}

/** `--rpc` comes first: `--device` knows only devices that were named before it. */
function placementArgs(rpc: RpcPlacement | undefined): string[] {
  if (!rpc || rpc.endpoints.length === 0) return ["-fit", "on"];
  const { endpoints, deviceNames, tensorSplit } = rpc;
  if (tensorSplit.length > MAX_TENSOR_SPLIT || tensorSplit.length !== deviceNames.length) {
    throw new RangeError(
      `Cannot split over ${deviceNames.length} devices with ${tensorSplit.length} shares: ` +
        `llama.cpp takes one share a device and ${MAX_TENSOR_SPLIT} at most`,
    );
  }
  return [
    ...["--rpc", endpoints.join(","), "--device", deviceNames.join(",")],
    ...["-ngl", ALL_LAYERS, "-ts", tensorSplit.join(","), "-fit", "off"],
  ];
}

function batchArgs({ batchSize, ubatchSize }: LaunchOptions): string[] {
  return [
    ...(batchSize === undefined ? [] : ["-b", String(batchSize)]),
    ...(ubatchSize === undefined ? [] : ["-ub", String(ubatchSize)]),
  ];
}

/** With rpc devices the projector would go to the first of them, where no room is planned for it. */
function projectorArgs({ mmprojPath, rpc }: LaunchOptions): string[] {
  if (mmprojPath === undefined) return [];
  return ["--mmproj", mmprojPath, ...(rpc ? ["--no-mmproj-offload"] : [])];
}

/** `--lora` takes a list, in which an item with a comma stands in quotes, as in CSV. */
function listItem(path: string): string {
  return path.includes(",") ? `"${path.replaceAll('"', '""')}"` : path;
}

/** A model that was made for embeddings generates nothing that would need sampling. */
function taskArgs({ pooling, params = {}, slotContextSize }: LaunchOptions): string[] {
  if (pooling === undefined) return samplingArgs(params, slotContextSize);
  return pooling === "rank" ? ["--reranking"] : ["--embedding", "--pooling", pooling];
}

function listenArgs(listen: ServerAddress): string[] {
  if (listen.transport === "tcp") return ["--host", listen.hostname, "--port", String(listen.port)];
  if (!listen.path.endsWith(".sock")) {
    throw new RangeError(`Cannot listen on "${listen.path}": llama-server wants a path that ends in .sock`);
  }
  return ["--host", listen.path];
}

/**
 * The options of the operator, unless one of them is ours to set or would make plans wrong.
 *
 * @throws {RangeError} With what to do instead.
 */
export function checkExtraArgs(args: readonly string[]): readonly string[] {
  const flags = args.map((arg) => arg.split("=")[0]!); // its value may be a secret
  const refuse = (flag: string, why: string): never => {
    throw new RangeError(`Cannot pass "${flag}" on to llama-server: ${why}`);
  };
  const owned = flags.find((flag) => OWNED_FLAGS.has(flag));
  if (owned !== undefined) refuse(owned, "the gateway sets it itself; remove it");
  const planned = flags.find((flag) => PLANNED_FLAGS.has(flag));
  if (planned !== undefined) {
    const key = PLANNED_FLAGS.get(planned);
    refuse(planned, `memory is planned without it; ${key ? `set ${key}` : "remove it"}`);
  }
  const attention = flags.findIndex((flag) => flag === "-fa" || flag === "--flash-attn");
  if (attention >= 0 && /^(off|0|false|disabled)$/.test(args[attention + 1] ?? "")) {
    refuse(flags[attention]!, "memory is planned for flash attention; remove it");
  }
  return args;
}
