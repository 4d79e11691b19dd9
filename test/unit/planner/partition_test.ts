import fc from "fast-check";
import { deepEqual, equal, ok } from "node:assert/strict";
import { type PartitionInput, partitionUnits } from "../../../lib/planner/partition.ts";

function inputOf(
  unitBytes: readonly number[],
  roomBytes: readonly number[],
  perRoomBytes = 0,
): PartitionInput {
  return {
    unitCount: unitBytes.length,
    needBytes: (start, end) => unitBytes.slice(start, end).reduce((sum, bytes) => sum + bytes, perRoomBytes),
    rooms: roomBytes.map((bytes) => ({ bytes })),
  };
}

function costOf({ needBytes, rooms }: PartitionInput, counts: readonly number[]): number {
  let [start, cost] = [0, 0];
  counts.forEach((count, index) => {
    const { bytes, reluctance = 1 } = rooms[index]!;
    const need = count === 0 ? 0 : needBytes(start, start += count, Infinity);
    cost += need > bytes ? Infinity : need === 0 ? 0 : reluctance * need ** 2 / bytes;
  });
  return cost;
}

/** All ways to deal so many units to so many rooms. */
function dealsOf(unitCount: number, roomCount: number): number[][] {
  if (roomCount === 1) return [[unitCount]];
  return Array.from(
    { length: unitCount + 1 },
    (_, first) => dealsOf(unitCount - first, roomCount - 1).map((rest) => [first, ...rest]),
  ).flat();
}

Deno.test("partitionUnits() finds the best of all deals", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 7 }),
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 4 }),
      fc.nat(5),
      (unitBytes, roomBytes, perRoomBytes) => {
        const input = inputOf(unitBytes, roomBytes, perRoomBytes);
        const best = Math.min(
          ...dealsOf(unitBytes.length, roomBytes.length).map((deal) => costOf(input, deal)),
        );
        const counts = partitionUnits(input);
        equal(counts ? costOf(input, counts) : Infinity, best);
      },
    ),
    { numRuns: 500 },
  );
});

for (
  const { name, units, rooms, want } of [
    { name: "equal rooms equally", units: [1, 1, 1, 1, 1, 1], rooms: [9, 9, 9], want: [2, 2, 2] },
    { name: "in proportion", units: [1, 1, 1, 1, 1, 1], rooms: [20, 10], want: [4, 2] },
    { name: "nothing to a room of nothing", units: [1, 1], rooms: [0, 9, 0], want: [0, 2, 0] },
    { name: "nothing at all when a unit fits nowhere", units: [1, 10], rooms: [9, 9], want: undefined },
    { name: "nothing at all without rooms", units: [1], rooms: [], want: undefined },
  ]
) {
  Deno.test(`partitionUnits() deals ${name}`, () => deepEqual(partitionUnits(inputOf(units, rooms)), want));
}

Deno.test("partitionUnits() takes a reluctant room only for what has no other", () => {
  const { rooms, ...input } = inputOf([1, 1, 1, 1, 1], [3, 100]);
  deepEqual(partitionUnits({ ...input, rooms: [rooms[0]!, { ...rooms[1]!, reluctance: 1_000 }] }), [3, 2]);
});

Deno.test("partitionUnits() keeps to the counts that are allowed", () => {
  const input = inputOf([1, 1, 1, 1, 1], [100, 1_000]);
  deepEqual(partitionUnits({ ...input, counts: { least: 2, most: 3 } }), [2, 3]);
  equal(partitionUnits({ ...input, counts: { least: 3, most: 3 } }), undefined);
});

Deno.test("partitionUnits() finds the deal where the whole takes less than its largest part", () => {
  const needBytes = (start: number, end: number): number => end - start === 4 ? 4 : 2 * (end - start);
  const counts = partitionUnits({ unitCount: 4, needBytes, rooms: [{ bytes: 5 }] });
  ok(counts);
  deepEqual(counts, [4]);
});
