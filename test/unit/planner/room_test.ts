import { deepEqual, equal } from "node:assert/strict";
import { allotBytes, surveyRooms } from "../../../lib/planner/room.ts";
import { backendOf } from "../../fixtures/weighed_model.ts";

Deno.test("surveyRooms() takes reserve and limit off, and leaves out what has nothing left", () => {
  const { rooms, notes } = surveyRooms([
    backendOf(0, [{ freeBytes: 100 }]),
    backendOf(1, [{ freeBytes: 100 }], { memoryLimitBytes: 50 }),
    backendOf(2, [{ freeBytes: 10 }, { freeBytes: 11 }]),
    backendOf(3, [{ freeBytes: 100 }], { memoryLimitBytes: 0 }),
  ], 10);
  deepEqual(rooms.map(({ device, bytes }) => [device.endpoint, device.deviceIndex, bytes]), [
    ["10.0.0.2:50052", 0, 90],
    ["10.0.0.3:50052", 0, 50],
    ["10.0.0.4:50052", 1, 1],
  ]);
  deepEqual(notes, [
    "10.0.0.4:50052/0 has no memory to plan with",
    "10.0.0.5:50052 has no memory to plan with",
  ]);
});

Deno.test("surveyRooms() keeps the first of two backends of one name, at its place", () => {
  const { rooms, notes } = surveyRooms(
    [[0, 5], [1, 6], [0, 7], [0, 8]].map(([number, freeBytes]) =>
      backendOf(number!, [{ freeBytes: freeBytes! }])
    ),
    0,
  );
  deepEqual(rooms.map(({ bytes }) => bytes), [5, 6]);
  deepEqual(notes, ["10.0.0.2:50052 is listed more than once; it counts once"]);
});

Deno.test("surveyRooms() takes the most that a device reports for what its shared memory has", () => {
  const { rooms } = surveyRooms([
    backendOf(0, [{ freeBytes: 30, memoryKey: "ram" }, { freeBytes: 100, memoryKey: "ram" }]),
  ], 10);
  deepEqual(rooms.map(({ bytes, memoryFreeBytes }) => [bytes, memoryFreeBytes]), [[20, 100], [90, 100]]);
  equal(rooms[0]!.budgets.find(({ bytes }) => bytes === 90), rooms[1]!.budgets[0]);
});

Deno.test("allotBytes() gives shared memory to GPUs first, then to the larger ones", () => {
  const ram = { memoryKey: "ram", kind: "cpu" as const };
  const { rooms } = surveyRooms([
    backendOf(0, [{ ...ram, freeBytes: 80 }]),
    backendOf(1, [{ ...ram, freeBytes: 100 }]),
    backendOf(2, [{ memoryKey: "ram", freeBytes: 30 }]),
    backendOf(3, [{ freeBytes: 7 }]),
  ], 0);
  deepEqual(allotBytes(rooms), [0, 70, 30, 7]);
});
