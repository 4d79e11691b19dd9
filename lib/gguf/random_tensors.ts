import type { Random } from "./seeded_random.ts";
import type { GgufTensorData } from "./writer.ts";

/** The weight from the input `column` to the output `row`. Asked row by row. */
export type Weight = (row: number, column: number) => number;

/** A matrix of `columns` inputs and `rows` outputs. Weights are asked for when the file is written. */
export function matrix(
  name: string,
  [columns, rows]: readonly [columns: number, rows: number],
  type: "F16" | "F32",
  weight: Weight,
): GgufTensorData {
  const write = type === "F32" ? writeF32 : writeF16;
  const data = (into: Uint8Array<ArrayBuffer>): void => {
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
    let offset = 0;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) offset = write(view, offset, weight(row, column));
    }
  };
  return { name, dims: [columns, rows], type, data };
}

/** A vector of ones; as F32, which is what llama.cpp wants norms to be. */
export function ones(name: string, length: number): GgufTensorData {
  return { ...matrix(name, [length, 1], "F32", () => 1), dims: [length] };
}

/** Normally distributed weights of variance `gain`² / `inputs`: sums over all inputs keep their scale. */
export function gaussianWeight(random: Random, inputs: number, gain = 1): Weight {
  const gaussian = gaussianNumbers(random);
  return () => gain * gaussian() / Math.sqrt(inputs);
}

/** Normally distributed numbers of variance 1 (Box-Muller). */
export function gaussianNumbers(random: Random): Random {
  return () => Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
}

const SMALLEST_NORMAL_F16 = 2 ** -14;

/** Writes 0 for what F16 could only hold as a subnormal: some CPUs do that, too, and others get slow. */
function writeF16(view: DataView, offset: number, value: number): number {
  const single = Math.fround(value);
  view.setFloat16(offset, Math.abs(single) < SMALLEST_NORMAL_F16 ? single * 0 : single, true);
  return offset + 2;
}

function writeF32(view: DataView, offset: number, value: number): number {
  view.setFloat32(offset, value, true);
  return offset + 4;
}
