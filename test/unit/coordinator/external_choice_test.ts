import { deepEqual, equal } from "node:assert/strict";
import {
  chooseExternal,
  type ExternalCandidate,
  whyChosen,
} from "../../../lib/coordinator/external_choice.ts";

function candidate(url: string, facts: Partial<ExternalCandidate> = {}): ExternalCandidate {
  return { url, inFlightCount: 0, slotCount: undefined, lastTurn: 0, ...facts };
}

for (
  const { name, candidates, want } of [
    { name: "nobody where there is nobody", candidates: [], want: undefined },
    {
      name: "the first of those that were never chosen",
      candidates: [candidate("a"), candidate("b")],
      want: "a",
    },
    {
      name: "the one with the fewest requests in flight",
      candidates: [candidate("a", { inFlightCount: 3 }), candidate("b", { inFlightCount: 2 })],
      want: "b",
    },
    {
      name: "among equals the one that was chosen longest ago",
      candidates: [candidate("a", { lastTurn: 7 }), candidate("b", { lastTurn: 5 })],
      want: "b",
    },
    {
      name: "one with a free slot before one with fewer requests and none",
      candidates: [
        candidate("a", { inFlightCount: 1, slotCount: 1 }),
        candidate("b", { inFlightCount: 5, slotCount: 8 }),
      ],
      want: "b",
    },
    {
      name: "where all are full, the one whose queue is the shortest for its size",
      candidates: [
        candidate("a", { inFlightCount: 2, slotCount: 1 }),
        candidate("b", { inFlightCount: 12, slotCount: 8 }),
      ],
      want: "b",
    },
    {
      name: "one that does not tell its slots as if it had four",
      candidates: [candidate("a", { inFlightCount: 1, slotCount: 2 }), candidate("b", { inFlightCount: 1 })],
      want: "b",
    },
  ]
) {
  Deno.test(`among others' coordinators it takes ${name}`, () => {
    equal(chooseExternal(candidates)?.url, want);
  });
}

Deno.test("the choice is explained by what it rests on", () => {
  deepEqual(
    [whyChosen(candidate("a", { inFlightCount: 2 })), whyChosen(candidate("a", { slotCount: 4 }))],
    [
      "a is the least busy, 2 of our requests in flight",
      "a is the least busy, 0 of 4 slots in use by us",
    ],
  );
});
