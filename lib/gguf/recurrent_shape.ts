import type { RecurrentShape } from "./layer_shape.ts";
import type { GgufTensor } from "./tensors.ts";

/**
 * What the recurrent layers of a model compute with, as their tensors have it; `undefined` for a model without such
 * layers, or with ones of another form (RWKV).
 */
export function recurrentShapeOf(tensors: readonly GgufTensor[]): RecurrentShape | undefined {
  const dimension = (name: RegExp, axis: number) =>
    tensors.find((tensor) => name.test(tensor.name))?.dims[axis];
  const innerLength = dimension(/^blk\.\d+\.ssm_out\.weight$/, 0);
  if (innerLength === undefined) return undefined;
  const convolvedLength = dimension(/^blk\.\d+\.ssm_conv1d\.weight$/, 1) ?? innerLength;
  return { innerLength, convolvedLength };
}
