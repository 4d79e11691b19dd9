/** Options stored with a model, by the names that `PARAMETER` lines and the API's `options` use. */
export interface ModelParams {
  /** Context length in tokens, of one slot; 0 lets Ollama choose. */
  readonly num_ctx?: number;
  /** Tokens evaluated at once. */
  readonly num_batch?: number;
  /** Layers on a GPU; 0 means CPU only, below 0 automatic. */
  readonly num_gpu?: number;
  /** Index of the only GPU to use. */
  readonly main_gpu?: number;
  /** Whether the weights are mapped rather than read. */
  readonly use_mmap?: boolean;
  /** CPU threads; 0 is automatic. */
  readonly num_thread?: number;
  /** Tokens that the draft model proposes at once. */
  readonly draft_num_predict?: number;
  /** Tokens of the prompt's start that survive a context shift. */
  readonly num_keep?: number;
  /** Seed of sampling; -1 is random. */
  readonly seed?: number;
  /** Most tokens to generate; -1 is without limit. */
  readonly num_predict?: number;
  /** Sampling: only the k likeliest tokens. */
  readonly top_k?: number;
  /** Sampling: only the likeliest tokens that together reach p. */
  readonly top_p?: number;
  /** Sampling: least probability, relative to the likeliest token. */
  readonly min_p?: number;
  /** Sampling: locally typical. */
  readonly typical_p?: number;
  /** Tokens that the repeat penalty looks back on; -1 is the whole context. */
  readonly repeat_last_n?: number;
  /** Sampling: 0 is greedy. */
  readonly temperature?: number;
  /** Penalty for repeated tokens; 1 is none. */
  readonly repeat_penalty?: number;
  /** Penalty for tokens that occurred; 0 is none. */
  readonly presence_penalty?: number;
  /** Penalty that grows with each occurrence; 0 is none. */
  readonly frequency_penalty?: number;
  /** Texts that end the answer. */
  readonly stop?: readonly string[];
}

/** What an option's value must be; a fraction given for an integer is cut off, as Ollama does. */
type ParamType = "integer" | "number" | "boolean" | "strings";

/** Every option that Ollama 0.33 knows. */
const PARAM_TYPES: Record<keyof ModelParams, ParamType> = {
  num_ctx: "integer",
  num_batch: "integer",
  num_gpu: "integer",
  main_gpu: "integer",
  use_mmap: "boolean",
  num_thread: "integer",
  draft_num_predict: "integer",
  num_keep: "integer",
  seed: "integer",
  num_predict: "integer",
  top_k: "integer",
  top_p: "number",
  min_p: "number",
  typical_p: "number",
  repeat_last_n: "integer",
  temperature: "number",
  repeat_penalty: "number",
  presence_penalty: "number",
  frequency_penalty: "number",
  stop: "strings",
};

/** Options of older versions: found in many stored models, without effect since. */
const REMOVED = new Set([
  ...["mirostat", "mirostat_eta", "mirostat_tau", "tfs_z", "penalize_newline", "numa", "low_vram", "f16_kv"],
  ...["logits_all", "vocab_only", "use_mlock", "num_gqa", "rope_frequency_base", "rope_frequency_scale"],
  "embedding_only",
]);

/** Options that could be read, and one sentence for each that could not. */
export interface DecodedParams {
  /** The options that Ollama would apply. */
  params: ModelParams;
  /** Why each other one was left out. */
  warnings: string[];
}

/**
 * Reads options: the JSON of a `params` manifest layer, or a request's `options`. `null` counts as absent. Unknown
 * options and values of a wrong type are left out and reported; nothing is thrown.
 *
 * @see Runner and Options in api/types.go, ollama 0.33
 */
export function decodeParams(json: unknown): DecodedParams {
  if (json === null || typeof json !== "object" || Array.isArray(json)) {
    return { params: {}, warnings: [`params ignored: want a JSON object, got ${describe(json)}`] };
  }
  const params: Record<string, unknown> = {};
  const warnings: string[] = [];
  for (const [key, value] of Object.entries(json)) {
    if (value === null) continue;
    const type = Object.hasOwn(PARAM_TYPES, key) ? PARAM_TYPES[key as keyof ModelParams] : undefined;
    const decoded = type && decodeValue(type, value);
    if (decoded !== undefined) params[key] = decoded;
    else warnings.push(complaint(key, type, value));
  }
  return { params, warnings };
}

function decodeValue(type: ParamType, value: unknown): unknown {
  switch (type) {
    case "integer":
      return typeof value === "number" && Number.isSafeInteger(Math.trunc(value))
        ? Math.trunc(value)
        : undefined;
    case "number":
      return Number.isFinite(value) ? value : undefined;
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
  }
}

function complaint(key: string, type: ParamType | undefined, value: unknown): string {
  const name = JSON.stringify(key.slice(0, 60));
  if (type) return `param ${name} ignored: want ${WANTED[type]}, got ${describe(value)}`;
  return REMOVED.has(key) ? `param ${name} ignored: Ollama removed it` : `param ${name} ignored: unknown`;
}

const WANTED = {
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
  strings: "an array of strings",
} as const;

function describe(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (value !== null && typeof value === "object") return "an object";
  return typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : String(value);
}
