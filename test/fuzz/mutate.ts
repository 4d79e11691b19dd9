import type { Random } from "../../lib/gguf/seeded_random.ts";

/** A damaged copy of a valid input, and what was done to it. */
export interface Mutation {
  /** The damaged copy; the taker owns it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** For the report of a violation: `flip bits at 17, truncate to 40`. */
  readonly how: string;
}

/**
 * Damaged copies of `bytes` without end, each the result of one to three mutations.
 * The same bytes and an equally seeded `random` give the same sequence. `bytes` is never changed.
 *
 * ```ts ignore
 * const damaged = mutations(valid, seededRandom(1));
 * for (let count = 0; count < 2_000; count++) tryToDecode(damaged.next().value);
 * ```
 */
export function* mutations(bytes: Uint8Array, random: Random): Generator<Mutation, never> {
  const below = (bound: number): number => Math.floor(random() * Math.max(bound, 1));
  while (true) {
    let mutated = bytes.slice();
    const steps: string[] = [];
    for (let left = 1 + below(3); left > 0; left--) {
      const mutate = MUTATORS[below(MUTATORS.length)]!;
      const [next, step] = mutate(mutated, below);
      mutated = next;
      steps.push(step);
    }
    yield { bytes: mutated, how: steps.join(", ") };
  }
}

/** A random whole number in [0, bound). */
type Below = (bound: number) => number;
/** May change `bytes` in place, which are its own. */
type Mutator = (bytes: Uint8Array<ArrayBuffer>, below: Below) => [Uint8Array<ArrayBuffer>, string];

/** Values that have broken length checks before: signs, word sizes, 2³¹, 2³², 2⁵³, 2⁶³ and their neighbours. */
const NASTY_LENGTHS = [
  ...[0n, 1n, 0x7fn, 0xffn, 0xffffn, 0x1_0000n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n],
  ...[2n ** 40n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
];

const MUTATORS: Mutator[] = [
  flipBits,
  overwriteByte,
  truncate,
  inflateLength,
  copyRange,
  insertRange,
  deleteRange,
];

function flipBits(bytes: Uint8Array<ArrayBuffer>, below: Below): ReturnType<Mutator> {
  const at = below(bytes.length);
  const bits = 1 + below(255);
  if (at < bytes.length) bytes[at]! ^= bits;
  return [bytes, `flip bits ${bits} at ${at}`];
}

function overwriteByte(bytes: Uint8Array<ArrayBuffer>, below: Below): ReturnType<Mutator> {
  const at = below(bytes.length);
  const value = [0, 1, 9, 0x7f, 0x80, 0xff][below(6)]!;
  bytes.fill(value, at, at + 1);
  return [bytes, `write ${value} at ${at}`];
}

function truncate(bytes: Uint8Array<ArrayBuffer>, below: Below): ReturnType<Mutator> {
  const length = below(bytes.length);
  return [bytes.slice(0, length), `truncate to ${length}`];
}

/** Overwrites what looks like a little-endian u64 length with one that is far off, or just off. */
function inflateLength(bytes: Uint8Array<ArrayBuffer>, below: Below): ReturnType<Mutator> {
  if (bytes.length < 8) return flipBits(bytes, below);
  const view = new DataView(bytes.buffer);
  const at = likelyLengthAt(view, below(bytes.length - 7));
  const close = view.getBigUint64(at, true) + BigInt(below(5) - 2);
  const length = below(3) === 0 ? close : NASTY_LENGTHS[below(NASTY_LENGTHS.length)]!;
  view.setBigUint64(at, BigInt.asUintN(64, length), true);
  return [bytes, `length ${length} at ${at}`];
}

function copyRange(bytes: Uint8Array<ArrayBuffer>, below: Below): ReturnType<Mutator> {
  const from = below(bytes.length);
  const to = below(bytes.length);
  const count = Math.min(1 + below(64), bytes.length - Math.max(from, to));
  bytes.copyWithin(to, from, from + count);
  return [bytes, `copy ${count} from ${from} to ${to}`];
}

function insertRange(bytes: Uint8Array<ArrayBuffer>, below: Below): ReturnType<Mutator> {
  const from = below(bytes.length);
  const to = below(bytes.length);
  const piece = bytes.slice(from, from + 1 + below(64));
  const longer = new Uint8Array(bytes.length + piece.length);
  longer.set(bytes.subarray(0, to));
  longer.set(piece, to);
  longer.set(bytes.subarray(to), to + piece.length);
  return [longer, `insert ${piece.length} from ${from} at ${to}`];
}

function deleteRange(bytes: Uint8Array<ArrayBuffer>, below: Below): ReturnType<Mutator> {
  const from = below(bytes.length);
  const to = Math.min(from + 1 + below(64), bytes.length);
  const shorter = new Uint8Array(bytes.length - (to - from));
  shorter.set(bytes.subarray(0, from));
  shorter.set(bytes.subarray(to), from);
  return [shorter, `delete ${to - from} at ${from}`];
}

/** The first offset from `start` on that holds a u64 no greater than the input, or `start` if none is near. */
function likelyLengthAt(view: DataView, start: number): number {
  const last = Math.min(start + 64, view.byteLength - 8);
  for (let at = start; at <= last; at++) {
    const value = view.getBigUint64(at, true);
    if (value > 0n && value <= BigInt(view.byteLength)) return at;
  }
  return start;
}
