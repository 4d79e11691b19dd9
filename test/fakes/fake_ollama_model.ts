import { createHash } from "node:crypto";

/** A model that a fake node holds. */
export interface FakeOllamaModel {
  /** As it lists it, with its tag: `llama3:8b`. */
  readonly name: string;
  /** Bytes on the disk. Default 1 GiB. */
  readonly sizeBytes?: number;
  /** Bytes in memory, all of it on a GPU. Default its size on the disk. */
  readonly residentBytes?: number;
  /** Manifest's SHA-256 in hex. Default one that depends on the name. */
  readonly digest?: string;
  /** The GGUF's architecture. Default `llama`. */
  readonly family?: string;
  /** Number of parameters. Default 8,030,261,248. */
  readonly parameterCount?: number;
  /** For people. Default by the count: `8.0B`. */
  readonly parameterSize?: string;
  /** Default `Q4_K_M`. */
  readonly quantization?: string;
  /** Tokens that it was trained on. Default 8192. */
  readonly contextLength?: number;
  /** Default 4096. */
  readonly embeddingLength?: number;
  /** Transformer blocks. Default 32. */
  readonly blockCount?: number;
  /** Attention heads. Default 32. */
  readonly headCount?: number;
  /** Key and value heads. Default 8. */
  readonly kvHeadCount?: number;
  /** What it is told to be able to. Default `completion` and `tools`, and it embeds, too; if said, only what is said. */
  readonly capabilities?: readonly string[];
  /** ms since 1970. Default a day in 2026. */
  readonly modifiedAtMs?: number;
}

/** A model with all that it was not told. */
export type KnownFakeModel = Required<FakeOllamaModel> & {
  /** Whether it embeds, though it does not say so. */
  readonly embedsAnyway: boolean;
};

/** Completes a model. */
export function completeModel(model: FakeOllamaModel): KnownFakeModel {
  const parameterCount = model.parameterCount ?? 8_030_261_248;
  const sizeBytes = model.sizeBytes ?? 2 ** 30;
  return {
    sizeBytes,
    residentBytes: sizeBytes,
    digest: createHash("sha256").update(model.name).digest("hex"),
    family: "llama",
    parameterCount,
    parameterSize: humanCount(parameterCount),
    quantization: "Q4_K_M",
    contextLength: 8_192,
    embeddingLength: 4_096,
    blockCount: 32,
    headCount: 32,
    kvHeadCount: 8,
    capabilities: ["completion", "tools"],
    modifiedAtMs: Date.UTC(2026, 0, 2),
    embedsAnyway: model.capabilities === undefined,
    ...model,
  };
}

/** What a client's spelling of a model's name stands for: case does not matter, nor a `latest` that is not said. */
export function modelKey(name: string): string {
  return (name.includes(":") ? name : `${name}:latest`).toLowerCase();
}

/** As Ollama does: `1.32M`, `8.0B`. */
function humanCount(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)}B`;
  return `${(count / 1e6).toFixed(2)}M`;
}
