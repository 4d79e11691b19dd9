/** How much memory a model takes where it runs as a whole, and how that is known. */
export interface ModelNeed {
  /** Weights, KV cache of its context and buffers, bytes. */
  readonly bytes: number;
  /** Weights alone, bytes. */
  readonly weightBytes: number;
  /** Tokens of context that it was reckoned with. */
  readonly contextSize: number;
  /** Number of its parameters, where that is known. */
  readonly parameterCount: number | undefined;
  /**
   * Where it comes from, the best first: the operator's profile, the GGUF itself, a node's `/api/show`, the file's size as
   * the node lists it, or, as the last resort, the model's name.
   */
  readonly source: "profile" | "gguf" | "show" | "size" | "name";
}
