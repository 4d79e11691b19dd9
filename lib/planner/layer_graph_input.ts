import type { ExpertShape, LayerShape, RecurrentShape } from "../gguf/layer_shape.ts";

/** What a layer's graph is drawn from. */
export interface LayerGraphInput {
  /** As the file says, such as `llama`. */
  readonly architecture: string;
  /** Width of the residual stream. */
  readonly embeddingLength: number;
  /** The layer itself. */
  readonly layer: LayerShape;
  /** Its experts; `undefined` in a dense layer. */
  readonly experts: ExpertShape | undefined;
  /** Its recurrent part; `undefined` in a model without. */
  readonly recurrent: RecurrentShape | undefined;
  /** Sequences for each token of the batch: well below 1. */
  readonly sequenceShare: number;
  /**
   * Cells of the layer's cache for each token of the batch that flash attention needs an F16 copy of, in activations: 0
   * unless the cache is F32.
   */
  readonly copiedCellShare: number;
  /** The last layer goes on with the few tokens alone whose logits are asked for. */
  readonly isLast: boolean;
}
