/** How the numbers of a tensor are packed: in blocks of a fixed element count and size. */
export interface TensorType {
  /** `enum ggml_type`: what stands in the file. */
  readonly id: number;
  /** ggml's name, such as `Q4_K`. */
  readonly name: string;
  /** Elements in a block; a row is a whole number of blocks. */
  readonly blockElements: number;
  /** Bytes that a block takes. */
  readonly blockBytes: number;
}

/**
 * Every tensor type that ggml can still read.
 *
 * @see `type_traits` in ggml/src/ggml.c; GGML_TYPE_COUNT is 43
 */
const TYPES: readonly TensorType[] = ([
  [0, "F32", 1, 4],
  [1, "F16", 1, 2],
  [2, "Q4_0", 32, 18],
  [3, "Q4_1", 32, 20],
  [6, "Q5_0", 32, 22],
  [7, "Q5_1", 32, 24],
  [8, "Q8_0", 32, 34],
  [9, "Q8_1", 32, 36],
  [10, "Q2_K", 256, 84],
  [11, "Q3_K", 256, 110],
  [12, "Q4_K", 256, 144],
  [13, "Q5_K", 256, 176],
  [14, "Q6_K", 256, 210],
  [15, "Q8_K", 256, 292],
  [16, "IQ2_XXS", 256, 66],
  [17, "IQ2_XS", 256, 74],
  [18, "IQ3_XXS", 256, 98],
  [19, "IQ1_S", 256, 50],
  [20, "IQ4_NL", 32, 18],
  [21, "IQ3_S", 256, 110],
  [22, "IQ2_S", 256, 82],
  [23, "IQ4_XS", 256, 136],
  [24, "I8", 1, 1],
  [25, "I16", 1, 2],
  [26, "I32", 1, 4],
  [27, "I64", 1, 8],
  [28, "F64", 1, 8],
  [29, "IQ1_M", 256, 56],
  [30, "BF16", 1, 2],
  [34, "TQ1_0", 256, 54],
  [35, "TQ2_0", 256, 66],
  [39, "MXFP4", 32, 17],
  [40, "NVFP4", 64, 36],
  [41, "Q1_0", 128, 18],
  [42, "Q2_0", 64, 18],
] as const).map(([id, name, blockElements, blockBytes]) => ({ id, name, blockElements, blockBytes }));

const BY_ID = new Map(TYPES.map((type) => [type.id, type]));
const BY_NAME = new Map(TYPES.map((type) => [type.name, type]));

/** Types that were taken out of ggml; their ids are never given to another type. */
const REMOVED: ReadonlyMap<number, string> = new Map([
  [4, "Q4_2"],
  [5, "Q4_3"],
  [31, "Q4_0_4_4"],
  [32, "Q4_0_4_8"],
  [33, "Q4_0_8_8"],
  [36, "IQ4_NL_4_4"],
  [37, "IQ4_NL_4_8"],
  [38, "IQ4_NL_8_8"],
]);

/** Ollama 0.11 packed gpt-oss with MXFP4 under a free id, before ggml gave it 39. ggml itself refuses such files. */
const OLLAMA_MXFP4: TensorType = { ...BY_NAME.get("MXFP4")!, id: 4 };

/**
 * The tensor type with this id, or undefined where {@linkcode whyUnusable} has the reason.
 *
 * @param architecture `general.architecture`: Ollama's `gptoss` gives id 4 a meaning of its own.
 */
export function tensorTypeById(id: number, architecture?: string): TensorType | undefined {
  return id === OLLAMA_MXFP4.id && architecture === "gptoss" ? OLLAMA_MXFP4 : BY_ID.get(id);
}

/** The tensor type with this name, such as `Q4_K`. */
export function tensorTypeByName(name: string): TensorType | undefined {
  return BY_NAME.get(name);
}

/** Why an id has no type, and what can be done. */
export function whyUnusable(id: number): { problem: string; advice: string } {
  const removed = REMOVED.get(id);
  if (removed !== undefined) {
    return { problem: `type ${id} (${removed}) was removed from ggml`, advice: "convert the model again" };
  }
  return {
    problem: `type ${id} is unknown`,
    advice: "use a newer sollol if the file is newer, or download it again",
  };
}

/** Bytes of one row. `rowElements` must be a whole number of blocks. */
export function rowBytes(type: TensorType, rowElements: number): number {
  return rowElements / type.blockElements * type.blockBytes;
}

/** Bytes of a tensor without padding. Its first dimension is the row; no dimensions at all is one element. */
export function tensorBytes(type: TensorType, dims: readonly number[]): number {
  const [rowElements = 1, ...others] = dims;
  return others.reduce((bytes, dim) => bytes * dim, rowBytes(type, rowElements));
}

/** Elements of a tensor. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
