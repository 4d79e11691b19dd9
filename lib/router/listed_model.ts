/** A model that can be asked for. */
export interface ModelEntry {
  /** The name as clients write it. */
  readonly name: string;
  /** When its manifest or file changed, ms since 1970; 0 where that is not known. */
  readonly modifiedAtMs: number;
  /** Who keeps it: our own store, else an Ollama node, else a coordinator that somebody else runs. */
  readonly keptBy: "store" | "node" | "external";
}

/** A model with all that is known of it, wherever it is. */
export interface ListedModel extends ModelEntry {
  /** Canonical key: equal for one model, whatever the spelling. */
  readonly key: string;
  /** All that belongs to it, bytes; `undefined` where nobody tells. */
  readonly sizeBytes: number | undefined;
  /** SHA-256 of its manifest in hex, our own store's first; `undefined` where there is none. */
  readonly digest: string | undefined;
  /** Whether all that have it have the same, as far as they tell. */
  readonly isOneEverywhere: boolean;
  /** The GGUF's architecture, where somebody tells. */
  readonly family: string | undefined;
  /** Number of parameters for people: `8.0B`, where somebody tells. */
  readonly parameterSize: string | undefined;
  /** Such as `Q4_K_M`, where somebody tells. */
  readonly quantization: string | undefined;
  /** Names of the nodes that hold it, up or down. */
  readonly holders: readonly string[];
  /**
   * Why nobody could serve it however idle all were, in a clause: nobody has what it stands for, or nobody but our own
   * store has it, in a form that cannot be loaded. Usually `undefined`.
   */
  readonly obstacle: string | undefined;
  /** The model that this name stands for; `undefined` for a model's own name. */
  readonly aliasOf: string | undefined;
}
