import { deepEqual, equal } from "node:assert/strict";
import { findRoom, type RoomHolder } from "../../../lib/pool/room.ts";

const NOW_MS = 100_000;

/** An idle coordinator that may go, unless it is said otherwise. */
function holder(key: string, more: Partial<RoomHolder> = {}): RoomHolder {
  const endpoints = [`${key}:50052`];
  return {
    key,
    endpoints,
    loadMs: 1_000,
    idleMs: 60_000,
    mayGoAtMs: 0,
    isPinned: false,
    isBusy: false,
    ...more,
  };
}

function need(leastCount: number, ...endpoints: string[]) {
  const suffices = (freed: ReadonlySet<string>) =>
    endpoints.every((endpoint) => freed.has(`${endpoint}:50052`));
  return { leastCount, suffices };
}

for (
  const { name, holders, needs, want } of [
    { name: "nobody, if it fits as it is", holders: [holder("a")], needs: need(0), want: "free" },
    { name: "who holds what is needed", holders: [holder("a"), holder("b")], needs: need(0, "b"), want: "b" },
    { name: "no more than are needed", holders: [holder("a"), holder("b")], needs: need(1), want: "a" },
    { name: "as many as are too many", holders: [holder("a"), holder("b")], needs: need(2), want: "a b" },
    {
      name: "the cheapest of those that may go",
      holders: [holder("a", { loadMs: 9_000 }), holder("b")],
      needs: need(1),
      want: "b",
    },
    {
      name: "an idle one rather than a cheaper one in use",
      holders: [holder("a", { isBusy: true, loadMs: 1 }), holder("b")],
      needs: need(1),
      want: "b",
    },
    {
      name: "one that may go sooner rather than a cheaper one",
      holders: [holder("a", { mayGoAtMs: NOW_MS + 9, loadMs: 1 }), holder("b", { mayGoAtMs: NOW_MS + 5 })],
      needs: need(1),
      want: "b",
    },
    {
      name: "one in use that may go rather than one that has to be waited for",
      holders: [holder("a", { mayGoAtMs: NOW_MS + 9 }), holder("b", { isBusy: true })],
      needs: need(1),
      want: "b",
    },
    {
      name: "one that loads if there is no other",
      holders: [holder("a", { mayGoAtMs: Infinity })],
      needs: need(0, "a"),
      want: "a",
    },
    {
      name: "never a pinned one while others do",
      holders: [holder("a", { isPinned: true }), holder("b", { isBusy: true, mayGoAtMs: NOW_MS + 9 })],
      needs: need(1),
      want: "b",
    },
    {
      name: "the pinned ones as the reason, where nobody else is enough",
      holders: [holder("a", { isPinned: true }), holder("b")],
      needs: need(0, "a", "b"),
      want: "pinned: a",
    },
    {
      name: "nothing, if all together are not enough",
      holders: [holder("a")],
      needs: need(0, "z"),
      want: "unknown",
    },
    {
      name: "nothing, if not even the pinned ones would be enough",
      holders: [holder("a", { isPinned: true })],
      needs: need(0, "z"),
      want: "unknown",
    },
    { name: "nothing among nobody", holders: [], needs: need(1), want: "unknown" },
  ]
) {
  Deno.test(`findRoom() finds ${name}`, () => {
    const room = findRoom(holders, needs, NOW_MS);
    const keys = "holders" in room ? room.holders.map(({ key }) => key).join(" ") : "";
    equal({ free: "free", unknown: "unknown", held: keys, pinned: `pinned: ${keys}` }[room.kind], want);
  });
}

Deno.test("findRoom() asks as rarely as it can: what is free is found by one question", () => {
  const asked: string[][] = [];
  const suffices = (freed: ReadonlySet<string>) => asked.push([...freed]) > 0;
  findRoom([holder("a"), holder("b")], { leastCount: 0, suffices }, NOW_MS);
  deepEqual(asked, [[]]);
});
