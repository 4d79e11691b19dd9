import { deepEqual, equal } from "node:assert/strict";
import {
  type BookedConnection,
  ConnectionBook,
  LAST_ANSWER_MS,
} from "../../../lib/serving/connection_book.ts";

const LIMITS = { connectionCount: 4, connectionsPerClient: 3 };
const PATIENCE = { clientHeaderMs: 10, clientIdleMs: 100 };

/** A book with connections in it, each with a name that begins with its client's. */
class Bed {
  readonly book = new ConnectionBook<string>();
  readonly booked = new Map<string, BookedConnection<string>>();

  constructor(...names: string[]) {
    names.forEach((name, index) => this.booked.set(name, this.book.add(name[0]!, name, index)));
  }

  get(name: string): BookedConnection<string> {
    return this.booked.get(name)!;
  }

  asks(...names: string[]): this {
    for (const name of names) this.book.began(this.get(name));
    return this;
  }

  isAnswered(name: string, atMs: number): this {
    this.book.ended(this.get(name), atMs);
    return this;
  }

  admission(client: string): string {
    const { isAdmitted, victim } = this.book.admit(client, LIMITS);
    return !isAdmitted ? "refused" : victim ? `in place of ${victim.connection}` : "admitted";
  }

  overdue(nowMs: number): Record<string, string[]> {
    const { fresh, kept, dismissed } = this.book.overdue(nowMs, PATIENCE);
    const names = (list: readonly BookedConnection<string>[]) => list.map(({ connection }) => connection);
    return { fresh: names(fresh), kept: names(kept), dismissed: names(dismissed) };
  }
}

for (
  const { name, bed, client, want } of [
    { name: "lets in who finds room", bed: new Bed("a1", "a2", "b1"), client: "b", want: "admitted" },
    {
      name: "has whoever has too many give up their longest waiting one",
      bed: new Bed("a1", "a2", "a3"),
      client: "a",
      want: "in place of a1",
    },
    {
      name: "does not take a connection that has a request",
      bed: new Bed("a1", "a2", "a3").asks("a1"),
      client: "a",
      want: "in place of a2",
    },
    {
      name: "counts the wait from the last answer on",
      bed: new Bed("a1", "a2", "a3").asks("a1").isAnswered("a1", 50),
      client: "a",
      want: "in place of a2",
    },
    {
      name: "refuses whoever has too many and needs them all",
      bed: new Bed("a1", "a2", "a3").asks("a1", "a2", "a3"),
      client: "a",
      want: "refused",
    },
    {
      name: "takes from the client that has most without a request, not from the one that waits longest",
      bed: new Bed("b1", "a1", "a2", "c1"),
      client: "d",
      want: "in place of a1",
    },
    {
      name: "does not count those with a request for greed",
      bed: new Bed("a1", "a2", "a3", "b1").asks("a1", "a2", "a3"),
      client: "c",
      want: "in place of b1",
    },
    {
      name: "refuses everybody when all have a request",
      bed: new Bed("a1", "a2", "b1", "c1").asks("a1", "a2", "b1", "c1"),
      client: "d",
      want: "refused",
    },
  ]
) {
  Deno.test(`ConnectionBook ${name}`, () => equal(bed.admission(client), want));
}

Deno.test("a connection with two requests waits when both are answered", () => {
  const bed = new Bed("a1").asks("a1", "a1").isAnswered("a1", 5);
  deepEqual(bed.overdue(1_000), { fresh: [], kept: [], dismissed: [] });
  bed.isAnswered("a1", 900);
  deepEqual(bed.overdue(999), { fresh: [], kept: [], dismissed: [] });
  deepEqual(bed.overdue(1_000), { fresh: [], kept: ["a1"], dismissed: [] });
});

Deno.test("who has not asked yet has less patience than who has", () => {
  const bed = new Bed("a1", "a2", "b1").asks("a2").isAnswered("a2", 3);
  equal(bed.book.nextDueMs(PATIENCE), 10);
  deepEqual(bed.overdue(11), { fresh: ["a1"], kept: [], dismissed: [] });
  bed.book.remove(bed.get("a1"));
  deepEqual(bed.overdue(103), { fresh: ["b1"], kept: ["a2"], dismissed: [] });
});

Deno.test("who is dismissed may read the last answer, and no more", () => {
  const bed = new Bed("a1").asks("a1");
  bed.book.dismiss(bed.get("a1"));
  bed.isAnswered("a1", 0);
  deepEqual(bed.overdue(LAST_ANSWER_MS - 1), { fresh: [], kept: [], dismissed: [] });
  deepEqual(bed.overdue(LAST_ANSWER_MS), { fresh: [], kept: [], dismissed: ["a1"] });
});

Deno.test("who still reads waits anew, unless it has asked or is gone", () => {
  const bed = new Bed("a1", "a2", "a3").asks("a1", "a2", "a3");
  for (const name of ["a1", "a2", "a3"]) bed.isAnswered(name, 0);
  bed.asks("a2");
  bed.book.remove(bed.get("a3"));
  for (const name of ["a1", "a2", "a3"]) bed.book.postpone(bed.get(name), 50);
  deepEqual(bed.overdue(100), { fresh: [], kept: [], dismissed: [] });
  deepEqual(bed.overdue(150), { fresh: [], kept: ["a1"], dismissed: [] });
});

Deno.test("nothing is left of connections that are gone, whenever their requests end", () => {
  const bed = new Bed("a1", "a2", "b1").asks("a1");
  for (const name of ["a1", "a2", "b1", "a1"]) bed.book.remove(bed.get(name));
  bed.isAnswered("a1", 5);
  deepEqual([bed.book.openCount, bed.book.clientCount, bed.book.nextDueMs(PATIENCE)], [0, 0, Infinity]);
  equal(bed.book.mostDispensable(), undefined);
});
