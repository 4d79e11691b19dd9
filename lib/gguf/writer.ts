import { alignUp, DEFAULT_ALIGNMENT } from "./alignment.ts";
import { ByteWriter } from "./byte_writer.ts";
import { tensorBytes, type TensorType, tensorTypeByName } from "./tensor_types.ts";
import { ARRAY_ID, type GgufNumber, type ScalarName, scalarTypeByName, STRING_ID } from "./value_types.ts";

/** A metadata value to be written. */
export type GgufInput =
  | { readonly type: "string"; readonly value: string }
  | { readonly type: ScalarName; readonly value: GgufNumber }
  | { readonly type: "strings"; readonly values: readonly string[] }
  | { readonly type: "array"; readonly of: ScalarName; readonly values: readonly GgufNumber[] };

/** A tensor as the header lists it. */
export interface GgufTensorInput {
  /** At most 63 bytes. */
  readonly name: string;
  /** Elements per dimension; the first is the length of a row. */
  readonly dims: readonly number[];
  /** Name of its tensor type, such as `F16`. */
  readonly type: string;
}

/** A tensor with its data. */
export interface GgufTensorData extends GgufTensorInput {
  /** The packed data, or what writes them into an array of the right length that is all zeros. */
  readonly data: Uint8Array | ((into: Uint8Array<ArrayBuffer>) => void);
}

/** What goes into a GGUF. */
export interface GgufContent<Tensor extends GgufTensorInput> {
  /** 3 unless told. */
  readonly version?: 2 | 3;
  /** Data of each tensor start at a multiple of it; 32 unless told. Others are written as `general.alignment`. */
  readonly alignment?: number;
  /** Keys and values in the order of the file. */
  readonly metadata: readonly (readonly [key: string, value: GgufInput])[];
  /** Tensors in the order of the file. */
  readonly tensors: readonly Tensor[];
}

/** A header without its data. */
export interface WrittenHeader {
  /** The header, padded up to the data section. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Length of the whole file that it announces. */
  readonly fileBytes: number;
  /** Where each tensor's data start, in bytes from the start of the file. */
  readonly tensorOffsets: readonly number[];
}

/** A u32 for {@linkcode writeGguf}. */
export const u32 = (value: number): GgufInput => ({ type: "uint32", value });
/** A float32 for {@linkcode writeGguf}. */
export const f32 = (value: number): GgufInput => ({ type: "float32", value });
/** A bool for {@linkcode writeGguf}. */
export const bool = (value: boolean): GgufInput => ({ type: "bool", value: value ? 1 : 0 });
/** A string for {@linkcode writeGguf}. */
export const text = (value: string): GgufInput => ({ type: "string", value });

/**
 * Writes a whole GGUF.
 *
 * @throws {RangeError} If a tensor's type is unknown or its data have the wrong length.
 */
export function writeGguf(content: GgufContent<GgufTensorData>): Uint8Array<ArrayBuffer> {
  const { bytes: header, fileBytes, tensorOffsets } = writeGgufHeader(content);
  const file = new Uint8Array(fileBytes);
  file.set(header);
  content.tensors.forEach((tensor, index) => {
    const offset = tensorOffsets[index]!;
    const into = file.subarray(offset, offset + sizeOf(tensor));
    if (typeof tensor.data === "function") return tensor.data(into);
    if (tensor.data.byteLength !== into.byteLength) {
      const problem = `want ${into.byteLength} bytes, got ${tensor.data.byteLength}`;
      throw new RangeError(`Cannot write tensor "${tensor.name}": ${problem}`);
    }
    into.set(tensor.data);
  });
  return file;
}

/**
 * Writes a header alone: of a model of any size, in little memory.
 *
 * @throws {RangeError} If a tensor's type is unknown or its rows are no whole number of blocks.
 */
export function writeGgufHeader(content: GgufContent<GgufTensorInput>): WrittenHeader {
  const { version = 3, alignment = DEFAULT_ALIGNMENT, tensors } = content;
  const metadata = alignment === DEFAULT_ALIGNMENT
    ? content.metadata
    : [...content.metadata, ["general.alignment", u32(alignment)] as const];
  const writer = new ByteWriter();
  writer.append(new TextEncoder().encode("GGUF"));
  writer.u32(version);
  writer.u64(tensors.length);
  writer.u64(metadata.length);
  for (const [key, value] of metadata) writeEntry(writer, key, value);

  const offsets: number[] = [];
  let dataBytes = 0;
  for (const tensor of tensors) {
    offsets.push(dataBytes);
    writeTensorEntry(writer, tensor, dataBytes);
    dataBytes = alignUp(dataBytes + sizeOf(tensor), alignment);
  }
  writer.padTo(alignment);
  const bytes = writer.bytes();
  return {
    bytes,
    fileBytes: bytes.length + dataBytes,
    tensorOffsets: offsets.map((offset) => bytes.length + offset),
  };
}

function writeEntry(writer: ByteWriter, key: string, input: GgufInput): void {
  writer.string(key);
  if (input.type === "string") {
    writer.u32(STRING_ID);
    writer.string(input.value);
  } else if (input.type === "strings") {
    writer.u32(ARRAY_ID);
    writer.u32(STRING_ID);
    writer.u64(input.values.length);
    for (const value of input.values) writer.string(value);
  } else if (input.type === "array") {
    const type = scalarTypeByName(input.of);
    writer.u32(ARRAY_ID);
    writer.u32(type.id);
    writer.u64(input.values.length);
    for (const value of input.values) writer.scalar(type, value);
  } else {
    const type = scalarTypeByName(input.type);
    writer.u32(type.id);
    writer.scalar(type, input.value);
  }
}

function writeTensorEntry(writer: ByteWriter, tensor: GgufTensorInput, offset: number): void {
  writer.string(tensor.name);
  writer.u32(tensor.dims.length);
  for (const dim of tensor.dims) writer.u64(dim);
  writer.u32(typeOf(tensor).id);
  writer.u64(offset);
}

function typeOf({ name, type }: GgufTensorInput): TensorType {
  const known = tensorTypeByName(type);
  if (!known) throw new RangeError(`Cannot write tensor "${name}": no tensor type is called ${type}`);
  return known;
}

function sizeOf(tensor: GgufTensorInput): number {
  const type = typeOf(tensor);
  const [rowElements = 1] = tensor.dims;
  if (rowElements % type.blockElements === 0) return tensorBytes(type, tensor.dims);
  const problem = `rows of ${rowElements} elements are no whole number of ${type.name} blocks`;
  throw new RangeError(`Cannot write tensor "${tensor.name}": ${problem}`);
}
