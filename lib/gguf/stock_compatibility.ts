import type { GgufMetadata } from "./metadata.ts";
import type { GgufTensor } from "./tensors.ts";

/** A model's file, as far as it shows who can load it. */
export interface ModelFile {
  /** Its `general.architecture`. */
  readonly architecture: string;
  /** All its keys. */
  readonly metadata: GgufMetadata;
  /** Of all its shards. */
  readonly tensors: readonly GgufTensor[];
}

/** What to do with such a file. */
export const ONLY_OLLAMA_ADVICE =
  "run it on an Ollama node, or use a GGUF of it that llama.cpp's convert_hf_to_gguf.py has written";

/**
 * Why only Ollama loads this file, in a clause such as `its architecture "gptoss" has another name in llama.cpp`;
 * `undefined` if nothing speaks against llama.cpp. Ollama's own llama.cpp rewrites such files while it loads them.
 *
 * Only what surely fails is named: a file that llama.cpp loads after all must not be refused.
 *
 * @see llama/compat in ollama 0.33
 */
export function whyOnlyOllama(file: ModelFile): string | undefined {
  for (const rule of RULES) {
    const reason = rule(file);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

type Rule = (file: ModelFile) => string | undefined;

/** Names that Ollama gave to architectures which llama.cpp calls otherwise, or does not know. */
const OLLAMA_ONLY: ReadonlySet<string> = new Set([
  ...["gptoss", "qwen25vl", "mllama", "glm4moelite", "deepseekocr", "glmocr", "nemotron_h_omni"],
]);

const hasForeignName: Rule = ({ architecture }) =>
  OLLAMA_ONLY.has(architecture)
    ? `its architecture is "${architecture}", a name that only Ollama knows`
    : undefined;

const hasForeignType: Rule = ({ tensors }) =>
  tensors.some(({ type }) => type.name === "MXFP4" && type.id === 4)
    ? "its MXFP4 tensors carry Ollama's private type number 4"
    : undefined;

/** llama.cpp wants what sees and hears in a file of its own, and refuses tensors that it does not expect. */
const holdsProjector: Rule = ({ tensors }) => {
  const extra = tensors.find(({ name }) => /^(v|a|mm|mtp|model\.vision_tower|vision_tower)\./.test(name));
  return extra && `it holds further parts beside the language model, such as "${extra.name}"`;
};

const isForeignGemma: Rule = ({ architecture, metadata, tensors }) => {
  if (architecture !== "gemma3") return undefined;
  if (tensors.some(({ name }) => name === "dense.0.weight")) {
    return `it is an embedding model that llama.cpp calls "gemma-embedding"`;
  }
  const isRotatedOtherwise = metadata.has("gemma3.rope.global.freq_base");
  return isRotatedOtherwise ? `its rotation is stored as "gemma3.rope.global.freq_base"` : undefined;
};

const isForeignQwen: Rule = ({ architecture, metadata, tensors }) => {
  if (/^qwen35(moe)?$/.test(architecture) && metadata.has(`${architecture}.ssm.v_head_reordered`)) {
    return "its heads are stored in Ollama's order";
  }
  const step = architecture === "qwen3next" && tensors.find(({ name }) => /^blk\.\d+\.ssm_dt$/.test(name));
  return step ? `its tensor "${step.name}" has another name in llama.cpp` : undefined;
};

const RULES: readonly Rule[] = [
  hasForeignName,
  hasForeignType,
  holdsProjector,
  isForeignGemma,
  isForeignQwen,
];
