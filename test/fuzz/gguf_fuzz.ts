import { parseArgs } from "node:util";
import { getHeapStatistics } from "node:v8";
import { messageOf } from "../../lib/errors.ts";
import { GgufSyntaxError } from "../../lib/gguf/errors.ts";
import { readGgufHeader } from "../../lib/gguf/header.ts";
import { describeModel } from "../../lib/gguf/model_info.ts";
import { seededRandom } from "../../lib/gguf/seeded_random.ts";
import { type ByteSource, bytesSource } from "../../lib/gguf/source.ts";
import { bool, f32, text, u32, writeGguf } from "../../lib/gguf/writer.ts";
import { type Mutation, mutations } from "./mutate.ts";

/** The headers take 2 kB: what needs megabytes for one believed a length in it. */
const MAX_ALLOCATED_BYTES = 8 * 1024 ** 2;
const MAX_CASE_MS = 1000;
/** Each case can refill its window only so often: once a byte, in the smallest window, and some to spare. */
const readLimit = (sizeBytes: number): number => 2 * sizeBytes + 64;

/** How long and from where to fuzz. */
export interface FuzzOptions {
  /** Damaged headers to read. */
  count: number;
  /** The same seed gives the same headers. */
  seed: number;
}

/** What came out of a run. */
export interface FuzzSummary {
  /** Headers that could be read in spite of the damage. */
  accepted: number;
  /** Headers that were refused as they should be. */
  refused: number;
  /** The slowest header, in milliseconds. */
  slowestMs: number;
  /** The most memory that one header took, in bytes. */
  mostAllocatedBytes: number;
  /** What must not happen: how the header was damaged, and what came of it. */
  violations: string[];
}

/**
 * Reads damaged headers. The only allowed outcomes are a header and a {@linkcode GgufSyntaxError}, within bounds of
 * time, reads and memory.
 */
export async function fuzzGguf({ count, seed }: FuzzOptions): Promise<FuzzSummary> {
  const random = seededRandom(seed);
  const inputs = validHeaders().map((bytes) => mutations(bytes, random));
  const summary: FuzzSummary = {
    accepted: 0,
    refused: 0,
    slowestMs: 0,
    mostAllocatedBytes: 0,
    violations: [],
  };
  for (let index = 0; index < count; index++) {
    const mutation = inputs[index % inputs.length]!.next().value;
    const windowBytes = [1, 64, 1000, 512 * 1024][Math.floor(random() * 4)]!;
    await tryCase(mutation, windowBytes, summary);
  }
  return summary;
}

async function tryCase({ bytes, how }: Mutation, windowBytes: number, summary: FuzzSummary): Promise<void> {
  const source = boundedSource(bytes);
  const startMs = performance.now();
  const heapBefore = allocatedBytes();
  try {
    describeModel(await readGgufHeader(source, { windowBytes }));
    summary.accepted++;
  } catch (error) {
    if (error instanceof GgufSyntaxError) summary.refused++;
    else summary.violations.push(`${how}: ${messageOf(error)}`);
  }
  const tookMs = performance.now() - startMs;
  const tookBytes = Math.max(allocatedBytes() - heapBefore, source.largestBytes());
  if (tookMs > MAX_CASE_MS) summary.violations.push(`${how}: took ${tookMs} ms`);
  if (tookBytes > MAX_ALLOCATED_BYTES) summary.violations.push(`${how}: allocated ${tookBytes} bytes`);
  summary.slowestMs = Math.max(summary.slowestMs, tookMs);
  summary.mostAllocatedBytes = Math.max(summary.mostAllocatedBytes, tookBytes);
}

/** Fails a reader that goes round in circles, and knows the largest buffer that it was given. */
function boundedSource(bytes: Uint8Array): ByteSource & { largestBytes(): number } {
  const source = bytesSource(bytes);
  let readsLeft = readLimit(bytes.length);
  let largestBytes = 0;
  return {
    ...source,
    largestBytes: () => largestBytes,
    read(offset, into): Promise<number> {
      largestBytes = Math.max(largestBytes, into.buffer.byteLength);
      if (--readsLeft < 0) throw new Error("reads without end");
      return source.read(offset, into);
    },
  };
}

/** The heap and the buffers outside of it. Garbage counts, too, which is what is wanted here. */
function allocatedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Small, so that each mutation hits something that matters. */
function validHeaders(): Uint8Array[] {
  const data = (length: number) => new Uint8Array(length);
  const llama = [
    ["general.architecture", text("llama")],
    ["general.alignment", u32(32)],
    ["llama.block_count", u32(2)],
    ["llama.context_length", u32(512)],
    ["llama.embedding_length", u32(32)],
    ["llama.attention.head_count", { type: "array", of: "uint32", values: [4, 4] }],
    ["llama.attention.head_count_kv", u32(2)],
    ["tokenizer.ggml.tokens", { type: "strings", values: ["<s>", "a", "b", ""] }],
    ["tokenizer.ggml.scores", { type: "array", of: "float32", values: [0, -1, -2, -3] }],
    ["tokenizer.ggml.add_bos_token", bool(true)],
    ["tokenizer.chat_template", text("{{ messages }}")],
  ] as const;
  const tensors = [
    { name: "token_embd.weight", dims: [32, 4], type: "F16", data: data(256) },
    { name: "blk.0.attn_q.weight", dims: [32, 4], type: "Q4_0", data: data(72) },
    { name: "blk.1.ffn_down_exps.weight", dims: [32, 2, 2], type: "Q8_0", data: data(136) },
    { name: "output_norm.weight", dims: [32], type: "F32", data: data(128) },
  ];
  const adapter = [
    ["general.architecture", text("llama")],
    ["general.type", text("adapter")],
    ["adapter.lora.alpha", f32(8)],
    ["big", { type: "uint64", value: 2n ** 60n }],
  ] as const;
  const split = [
    ["split.no", { type: "uint16", value: 0 }],
    ["split.count", { type: "uint16", value: 2 }],
    ["split.tensors.count", { type: "int32", value: 8 }],
  ] as const;
  return [
    writeGguf({ metadata: llama, tensors }),
    writeGguf({ version: 2, metadata: llama.slice(0, 7), tensors: tensors.slice(0, 1) }),
    writeGguf({ alignment: 64, metadata: adapter, tensors: tensors.slice(1, 2) }),
    writeGguf({ metadata: [...llama, ...split], tensors }),
  ];
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { count: { type: "string", default: "200000" }, seed: { type: "string", default: "1" } },
  });
  const summary = await fuzzGguf({ count: Number(values.count), seed: Number(values.seed) });
  const report = { ...summary, violations: summary.violations.slice(0, 20) };
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(report, null, 2)}\n`));
  Deno.exit(summary.violations.length > 0 ? 1 : 0);
}
