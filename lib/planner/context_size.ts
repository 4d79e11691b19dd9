import type { GgufModel } from "../gguf/model_info.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";

/** What the operator says of the context. */
export interface ContextSetting {
  /** Tokens of one slot. */
  readonly contextSize: number;
  /** Whether somebody said so, or it is only the default. */
  readonly isContextSizeSet: boolean;
}

/**
 * Tokens of one slot that a model is to be run with: the operator's word first, then the model's own `num_ctx`; never
 * more than the model was trained to see.
 */
export function contextSizeOf(
  { params }: Pick<ResolvedModel, "params">,
  { contextLength }: Pick<GgufModel, "contextLength">,
  { contextSize, isContextSizeSet }: ContextSetting,
): number {
  const own = params.num_ctx;
  const wanted = isContextSizeSet || !own || own <= 0 ? contextSize : own;
  return contextLength > 0 ? Math.min(wanted, contextLength) : wanted;
}
