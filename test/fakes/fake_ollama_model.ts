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
  /** Default `completion` and `tools`; `embedding` makes it one that only embeds. */
  readonly capabilities?: readonly string[];
  /** ms since 1970. Default a day in 2026. */
  readonly modifiedAtMs?: number;
}
