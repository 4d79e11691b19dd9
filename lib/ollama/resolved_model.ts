import type { StoredMessage } from "./model_config.ts";
import type { ModelParams } from "./params.ts";

/** What is known of a model without opening its weights. */
export interface ModelDetails {
  /** Display form: `llama3.1:70b`; of a GGUF file its name without `.gguf`. */
  readonly name: string;
  /** Equal keys mean one model, whatever the spelling. */
  readonly key: string;
  /** `ollama` if a manifest describes it, `gguf` if it is a plain file. */
  readonly source: "ollama" | "gguf";
  /** When the manifest or the file last changed, milliseconds since 1970. */
  readonly modifiedAtMs: number;
  /** SHA-256 of the manifest in hex, which Ollama shows as the model's digest. Absent for plain files. */
  readonly manifestDigest?: string | undefined;
  /** Where the manifest is. Absent for plain files. */
  readonly manifestPath?: string | undefined;
  /** The GGUF's `general.architecture` according to the config blob. */
  readonly family?: string | undefined;
  /** Number of parameters for people: `70.6B`. */
  readonly parameterSize?: string | undefined;
  /** Quantization: `Q4_K_M`. */
  readonly quantization?: string | undefined;
  /** Sentences about what was left out or looks wrong but does not prevent use. */
  readonly warnings: readonly string[];
}

/** One entry of the list of models. */
export interface StoredModel extends ModelDetails {
  /** `gguf` can be loaded by llama-server; the rest cannot, for the reason that resolving it tells. */
  readonly kind: "gguf" | "safetensors" | "cloud" | "ambiguous" | "empty";
  /** All that belongs to the model, in bytes; what Ollama shows as its size. */
  readonly sizeBytes: number;
}

/** A model that was found and checked: everything that llama-server needs to be started with. */
export interface ResolvedModel extends ModelDetails {
  /** Absolute path of the GGUF file; of a split one, its first shard. */
  readonly modelPath: string;
  /** Weights alone in bytes, all shards. */
  readonly sizeBytes: number;
  /** Of the weights: `sha256:…`. Absent for plain files. */
  readonly digest?: string | undefined;
  /** For `--mmproj`. Ollama uses only the first one. */
  readonly projectorPaths: readonly string[];
  /** For `--lora`, all of them. */
  readonly adapterPaths: readonly string[];
  /** For speculative decoding; a GGUF file. */
  readonly draftPath?: string | undefined;
  /** Options stored with the model. */
  readonly params: ModelParams;
  /** Go `text/template`, which llama-server cannot use. */
  readonly template?: string | undefined;
  /** Default system message. */
  readonly system?: string | undefined;
  /** Turns that come before each chat. */
  readonly messages?: readonly StoredMessage[] | undefined;
  /** Name of the renderer in Ollama that would replace the template. */
  readonly renderer?: string | undefined;
  /** Texts of the licences. */
  readonly licenses: readonly string[];
}
