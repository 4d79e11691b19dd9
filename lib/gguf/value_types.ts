/** A number as the metadata holds it: whole numbers beyond ±2⁵³ stay bigint. */
export type GgufNumber = number | bigint;

/** Names of the metadata value types with a fixed size. */
export type ScalarName =
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "uint32"
  | "int32"
  | "float32"
  | "bool"
  | "uint64"
  | "int64"
  | "float64";

/** How one fixed-size metadata value lies in the file; all are little-endian. */
export interface ScalarType {
  /** The number that stands for the type in the file. */
  readonly id: number;
  /** The name in the specification, in lower case. */
  readonly name: ScalarName;
  /** Bytes that one value takes. */
  readonly sizeBytes: number;
  /** Decodes the value at an offset; a bool is 0 or 1. */
  readonly read: (view: DataView, offset: number) => GgufNumber;
  /** Encodes a value at an offset. */
  readonly write: (view: DataView, offset: number, value: GgufNumber) => void;
}

/** Type id of a string: u64 length, then UTF-8. */
export const STRING_ID = 8;
/** Type id of an array: u32 element type, u64 count, then the elements. */
export const ARRAY_ID = 9;

const SCALARS: readonly ScalarType[] = [
  scalar(0, "uint8", 1, (view, at) => view.getUint8(at), (view, at, value) => view.setUint8(at, value)),
  scalar(1, "int8", 1, (view, at) => view.getInt8(at), (view, at, value) => view.setInt8(at, value)),
  scalar(
    2,
    "uint16",
    2,
    (view, at) => view.getUint16(at, true),
    (view, at, v) => view.setUint16(at, v, true),
  ),
  scalar(3, "int16", 2, (view, at) => view.getInt16(at, true), (view, at, v) => view.setInt16(at, v, true)),
  scalar(
    4,
    "uint32",
    4,
    (view, at) => view.getUint32(at, true),
    (view, at, v) => view.setUint32(at, v, true),
  ),
  scalar(5, "int32", 4, (view, at) => view.getInt32(at, true), (view, at, v) => view.setInt32(at, v, true)),
  scalar(
    6,
    "float32",
    4,
    (view, at) => view.getFloat32(at, true),
    (view, at, v) => view.setFloat32(at, v, true),
  ),
  scalar(7, "bool", 1, (view, at) => view.getUint8(at) === 0 ? 0 : 1, (view, at, v) => view.setUint8(at, v)),
  {
    id: 10,
    name: "uint64",
    sizeBytes: 8,
    read: (view, at) => narrowed(view.getBigUint64(at, true)),
    write: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
  },
  {
    id: 11,
    name: "int64",
    sizeBytes: 8,
    read: (view, at) => narrowed(view.getBigInt64(at, true)),
    write: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  },
  scalar(
    12,
    "float64",
    8,
    (view, at) => view.getFloat64(at, true),
    (view, at, v) => view.setFloat64(at, v, true),
  ),
];

const BY_ID = new Map(SCALARS.map((type) => [type.id, type]));
const BY_NAME = new Map(SCALARS.map((type) => [type.name, type]));

/**
 * The fixed-size type with this id; undefined for strings, arrays and ids that GGUF does not define.
 *
 * @see `enum gguf_type` in ggml/include/gguf.h
 */
export function scalarTypeById(id: number): ScalarType | undefined {
  return BY_ID.get(id);
}

/** The fixed-size type with this name. */
export function scalarTypeByName(name: ScalarName): ScalarType {
  return BY_NAME.get(name)!;
}

function scalar(
  id: number,
  name: ScalarName,
  sizeBytes: number,
  read: (view: DataView, offset: number) => number,
  write: (view: DataView, offset: number, value: number) => void,
): ScalarType {
  return { id, name, sizeBytes, read, write: (view, offset, value) => write(view, offset, Number(value)) };
}

function narrowed(value: bigint): GgufNumber {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
