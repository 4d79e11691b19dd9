import { deepEqual, equal } from "node:assert/strict";
import { GrowingBytes } from "../../../lib/stream/growing_bytes.ts";

Deno.test("bytes grow at their end, and what they began with may change", () => {
  const first = new Uint8Array([1, 2]);
  const bytes = new GrowingBytes(first);
  first[0] = 9;
  deepEqual([...bytes.append(new Uint8Array([3]))], [1, 2, 3]);
  deepEqual([...bytes.append(new Uint8Array(0))], [1, 2, 3]);
  deepEqual([...bytes.append(new Uint8Array([4, 5]))], [1, 2, 3, 4, 5]);
  equal(bytes.length, 5);
});
