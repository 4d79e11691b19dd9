import type { GgufCursor } from "./cursor.ts";
import { GgufSyntaxError } from "./errors.ts";
import { readName } from "./metadata_reader.ts";
import { elementCount, tensorBytes, type TensorType, tensorTypeById, whyUnusable } from "./tensor_types.ts";

const MAX_DIMS = 4;
const MAX_DIM = 2 ** 48;
const MAX_NAME_BYTES = 63; // GGML_MAX_NAME is 64 with the terminator
/** The shortest entry: a name of one letter and no dimensions. */
const MIN_TENSOR_BYTES = 8 + 1 + 4 + 4 + 8;

/** What the header says of one tensor. */
export interface GgufTensor {
  /** Such as `blk.0.attn_q.weight`. */
  readonly name: string;
  /** Elements per dimension; the first is the length of a row. Empty for a single element. */
  readonly dims: readonly number[];
  /** How the elements are packed. */
  readonly type: TensorType;
  /** Where the data start, in bytes from the start of the data section. */
  readonly offset: number;
  /** Length of the data, without padding. */
  readonly sizeBytes: number;
}

/**
 * Reads the list of tensors.
 *
 * @param architecture `general.architecture`, which decides what type id 4 means.
 * @throws {GgufSyntaxError} At the first tensor that breaks a rule.
 */
export async function readTensors(
  cursor: GgufCursor,
  tensorCount: number,
  architecture: string | undefined,
): Promise<GgufTensor[]> {
  cursor.demand(tensorCount * MIN_TENSOR_BYTES);
  const tensors: GgufTensor[] = [];
  const seen = new Set<string>();
  for (let index = 0; index < tensorCount; index++) {
    const nameOffset = cursor.offset;
    const { text: name, identity } = await readName(cursor, "tensor name", MAX_NAME_BYTES);
    if (seen.has(identity)) throw new GgufSyntaxError(`its tensor "${name}" appears twice`, nameOffset);
    seen.add(identity);
    tensors.push(await readTensor(cursor, name, architecture));
  }
  return tensors;
}

async function readTensor(cursor: GgufCursor, name: string, architecture?: string): Promise<GgufTensor> {
  const start = cursor.offset;
  const dims = await readDims(cursor, name);
  if (!cursor.has(12)) await cursor.fill(12);
  const typeOffset = cursor.offset;
  const type = usableType(cursor.takeU32(), name, architecture, typeOffset);
  if ((dims[0] ?? 1) % type.blockElements !== 0) {
    const problem = `has rows of ${
      dims[0] ?? 1
    } elements, but ${type.name} packs ${type.blockElements} together`;
    throw new GgufSyntaxError(`its tensor "${name}" ${problem}`, start);
  }
  const sizeBytes = tensorBytes(type, dims);
  const offset = cursor.takeU64(`the offset of tensor "${name}"`);
  if (!Number.isSafeInteger(offset + sizeBytes)) {
    throw new GgufSyntaxError(`its tensor "${name}" ends beyond 2^53 bytes`, start);
  }
  return { name, dims, type, offset, sizeBytes };
}

async function readDims(cursor: GgufCursor, name: string): Promise<number[]> {
  const offset = cursor.offset;
  if (!cursor.has(4)) await cursor.fill(4);
  const dimCount = cursor.takeU32();
  if (dimCount > MAX_DIMS) {
    throw new GgufSyntaxError(
      `its tensor "${name}" has ${dimCount} dimensions, at most 4 are allowed`,
      offset,
    );
  }
  if (!cursor.has(dimCount * 8)) await cursor.fill(dimCount * 8);
  const what = `a dimension of tensor "${name}"`;
  const dims = Array.from({ length: dimCount }, () => cursor.takeU64(what, MAX_DIM));
  if (dims.includes(0)) throw new GgufSyntaxError(`${what} is 0`, offset);
  if (!Number.isSafeInteger(elementCount(dims))) {
    throw new GgufSyntaxError(`its tensor "${name}" has ${dims.join(" × ")} elements, beyond 2^53`, offset);
  }
  return dims;
}

function usableType(id: number, name: string, architecture: string | undefined, offset: number): TensorType {
  const type = tensorTypeById(id, architecture);
  if (type) return type;
  const { problem, advice } = whyUnusable(id);
  throw new GgufSyntaxError(`its tensor "${name}" has a type that cannot be used: ${problem}`, offset, {
    advice,
  });
}
