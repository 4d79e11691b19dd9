import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { GgufCursor } from "../../../lib/gguf/cursor.ts";
import { GgufSyntaxError, GgufTruncatedError } from "../../../lib/gguf/errors.ts";
import { type ByteSource, bytesSource } from "../../../lib/gguf/source.ts";

const counting = Uint8Array.from({ length: 100 }, (_, index) => index);

/** Gives at most 3 bytes at a time, as a pipe or a network disk may. */
function haltingSource(bytes: Uint8Array): ByteSource {
  const source = bytesSource(bytes);
  return { ...source, read: (offset, into) => source.read(offset, into.subarray(0, 3)) };
}

Deno.test("GgufCursor takes bytes in order through a window smaller than what is asked for", async () => {
  const cursor = new GgufCursor(haltingSource(counting), { windowBytes: 8 });
  const taken: number[] = [];
  for (const byteCount of [1, 7, 30, 2, 60]) {
    if (!cursor.has(byteCount)) await cursor.fill(byteCount);
    taken.push(...cursor.takeBytes(byteCount));
  }
  deepEqual(taken, [...counting]);
  equal(cursor.offset, 100);
});

Deno.test("GgufCursor skips far ahead without reading what lies between", async () => {
  const readOffsets: number[] = [];
  const source = bytesSource(counting);
  const watched: ByteSource = {
    ...source,
    read: (offset, into) => (readOffsets.push(offset), source.read(offset, into)),
  };
  const cursor = new GgufCursor(watched, { windowBytes: 8 });
  await cursor.fill(4);
  cursor.skip(70);
  await cursor.fill(1);
  deepEqual([...cursor.takeBytes(1)], [70]);
  deepEqual(readOffsets, [0, 70]);
});

Deno.test("GgufCursor refuses to skip or fill beyond the end, and says how much is missing", async () => {
  const cursor = new GgufCursor(bytesSource(counting));
  const isTruncation = (error: unknown) => {
    return error instanceof GgufTruncatedError && error.sizeBytes === 100 && error.needBytes === 101;
  };
  throws(() => cursor.skip(101), isTruncation);
  await rejects(cursor.fill(101), isTruncation);
  cursor.skip(100);
  await cursor.fill(0);
});

Deno.test("GgufCursor notices a file that shrinks while it is read", async () => {
  const cursor = new GgufCursor({ ...bytesSource(counting), sizeBytes: 200 });
  await rejects(cursor.fill(150), GgufTruncatedError);
});

Deno.test("GgufCursor takes lengths up to the given bound, and not one that is negative to others", async () => {
  const bytes = new Uint8Array(16);
  bytes.set([0, 1, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
  const cursor = new GgufCursor(bytesSource(bytes));
  await cursor.fill(16);
  throws(() => cursor.takeU64("a length", 255), GgufSyntaxError);
  equal(cursor.takeU64("a length", 256), 256);
  throws(() => cursor.takeU64("a length"), /^GgufSyntaxError: a length is 1844674407370955/);
});

Deno.test("GgufCursor does not read for a signal that is aborted", async () => {
  const reason = new Error("left");
  const cursor = new GgufCursor(bytesSource(counting), { signal: AbortSignal.abort(reason) });
  await rejects(cursor.fill(1), (error) => error === reason);
});
