import { throws } from "node:assert/strict";
import { FileRoom } from "../../../lib/tasks/file_room.ts";

const LARGEST_BYTES = 1_000;

/** The room beside files that are there already. */
function roomBeside(total: { count: number; bytes: number }) {
  const batch = { concurrency: 1, retryCount: 0, fileBytes: LARGEST_BYTES, keepMs: 1 };
  return new FileRoom({ config: { batch }, files: { total: () => ({ ...total }) } });
}

Deno.test("50,000 files are the most, those that are under way included", () => {
  const total = { count: 49_998, bytes: 0 };
  const room = roomBeside(total);
  const first = room.claim();
  room.claim();
  throws(() => room.claim(), { code: "too_large", message: /and be 50000, and 49998 are there/ });
  first[Symbol.dispose]();
  room.claim();
});

Deno.test("50 of the largest files are the most, and what is given up makes room", () => {
  const total = { count: 49, bytes: 49 * LARGEST_BYTES };
  const room = roomBeside(total);
  const [first, second] = [room.claim(), room.claim()];
  first.grow(600);
  throws(() => second.grow(401), { code: "too_large" });
  second.grow(400);
  first[Symbol.dispose]();
  second.grow(600);
  total.bytes -= 1;
  throws(() => second.grow(1), { code: "too_large" }, "it is not asked at each chunk");
  const third = room.claim();
  third.grow(1);
});
