import { GgufSyntaxError } from "./errors.ts";
import type { GgufTensor } from "./tensors.ts";

/** Where the bytes of a model belong when its layers are spread over devices. */
export interface ModelWeights {
  /** Bytes of each layer; the index is the layer. 0 for those that only predict further tokens. */
  readonly perLayerBytes: readonly number[];
  /**
   * Layers that only predict further tokens (MTP): llama.cpp leaves them in the file, unless it is told to draft with
   * them.
   */
  readonly unloadedBytes: number;
  /** Embeddings; llama.cpp always keeps them in the memory of the coordinator's host. */
  readonly inputBytes: number;
  /**
   * What the device of the output layer needs: output norm and matrix, and if the matrix is tied its own copy of the
   * token embedding.
   */
  readonly outputBytes: number;
  /** Small tensors that belong to no layer, such as `rope_freqs`; each device gets a copy. */
  readonly otherBytes: number;
  /** All tensors as they lie in the file, a tied embedding once. */
  readonly totalBytes: number;
  /** Whether the token embedding serves as output matrix, too. */
  readonly outputIsTied: boolean;
}

const LAYER = /^(?:enc\.|dec\.)?blk\.(\d+)\./;
const INPUT = /^(?:token_embd|per_layer_token_embd|position_embd|token_types)(?:_norm)?\./;
const OUTPUT = /^(?:(?:enc\.|dec\.)?output_norm(?:_enc)?|output|cls(?:\.output)?)\./;

/**
 * Sorts the tensors of a model by the layer that they belong to.
 *
 * @param layerCount Layers without those at the end that only predict further tokens; by default all.
 * @throws {GgufSyntaxError} If one belongs to a layer that the model does not have.
 * @see `LLM_TENSOR_INFOS` in src/llama-arch.cpp of llama.cpp
 */
export function weighTensors(
  tensors: readonly GgufTensor[],
  blockCount: number,
  layerCount: number = blockCount,
): ModelWeights {
  const perLayerBytes = new Array<number>(blockCount).fill(0);
  const sums = { unloadedBytes: 0, inputBytes: 0, outputBytes: 0, otherBytes: 0, totalBytes: 0 };
  for (const { name, sizeBytes } of tensors) {
    const layer = layerOf(name, blockCount);
    sums.totalBytes += sizeBytes;
    if (layer !== undefined && layer >= layerCount) sums.unloadedBytes += sizeBytes;
    else if (layer !== undefined) perLayerBytes[layer]! += sizeBytes;
    else if (INPUT.test(name)) sums.inputBytes += sizeBytes;
    else if (OUTPUT.test(name)) sums.outputBytes += sizeBytes;
    else sums.otherBytes += sizeBytes;
  }
  const tied = tiedEmbedding(tensors);
  sums.outputBytes += tied?.sizeBytes ?? 0;
  return { perLayerBytes, ...sums, outputIsTied: tied !== undefined };
}

/** The layer in a tensor's name; undefined where there are no layers, as in an adapter. */
function layerOf(name: string, blockCount: number): number | undefined {
  const digits = LAYER.exec(name)?.[1];
  if (digits === undefined || blockCount === 0) return undefined;
  const layer = Number(digits);
  if (layer < blockCount) return layer;
  throw new GgufSyntaxError(
    `its tensor "${name}" belongs to layer ${layer}, but block_count is ${blockCount}`,
    0,
  );
}

/** Models without an output norm, such as those of the bert family, have no output matrix to tie. */
function tiedEmbedding(tensors: readonly GgufTensor[]): GgufTensor | undefined {
  const find = (pattern: RegExp) => tensors.find(({ name }) => pattern.test(name));
  // LFM2 calls the norm behind its layers token_embd_norm.
  const hasOutputNorm = find(/^(?:dec\.)?output_norm\.weight$/) ??
    find(/^blk\.\d+\.shortconv\.conv\.weight$/);
  if (find(/^output\.weight$/) || !hasOutputNorm) return undefined;
  return find(/^token_embd\.weight$/);
}
