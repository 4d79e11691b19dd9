import fc from "fast-check";
import { deepEqual, equal } from "node:assert/strict";
import { type Ticket, WaitingLine } from "../../../lib/queue/waiting_line.ts";

interface Named extends Ticket {
  readonly name: string;
}

/** A ticket for the model `a` with the usual priority. */
function ticket(name: string, told: Partial<Ticket> = {}): Named {
  return { name, key: "a", priority: 5, sinceMs: 0, ...told };
}

function lineOf(tickets: readonly Named[]): WaitingLine<Named> {
  const line = new WaitingLine<Named>();
  for (const one of tickets) line.add(one);
  return line;
}

function namesOf(line: Iterable<Named>): string {
  return [...line].map(({ name }) => name).join(" ");
}

const ORDERS = [
  {
    name: "the first come first among equals",
    tickets: [ticket("first"), ticket("second"), ticket("third")],
    want: "first second third",
  },
  {
    name: "the higher priority first, whoever came first",
    tickets: [ticket("low", { priority: 0 }), ticket("usual"), ticket("high", { priority: 10 })],
    want: "high usual low",
  },
  {
    name: "one level for each 5 s of waiting",
    tickets: [
      ticket("newcomer", { priority: 6, sinceMs: 5_001 }),
      ticket("older"),
      ticket("sooner", { priority: 6, sinceMs: 4_999 }),
    ],
    want: "sooner older newcomer",
  },
  {
    name: "priority 0 before a newcomer of priority 10 after 50 s",
    tickets: [
      ticket("at 49 s", { priority: 10, sinceMs: 49_000 }),
      ticket("patient", { priority: 0 }),
      ticket("at 51 s", { priority: 10, sinceMs: 51_000 }),
    ],
    want: "at 49 s patient at 51 s",
  },
  {
    name: "one who was added late with an early time where that belongs",
    tickets: [ticket("now", { sinceMs: 100 }), ticket("moved here", { sinceMs: 50 })],
    want: "moved here now",
  },
  {
    name: "work in the background after all others, however long it has waited",
    tickets: [
      ticket("since a day", { priority: -1, sinceMs: -86_400_000 }),
      ticket("newcomer", { priority: 0, sinceMs: 0 }),
    ],
    want: "newcomer since a day",
  },
  {
    name: "work in the background by priority and age among its own kind",
    tickets: [
      ticket("least", { priority: -1000 }),
      ticket("late", { priority: -2, sinceMs: 1 }),
      ticket("early", { priority: -2 }),
      ticket("aged", { priority: -4, sinceMs: -20_000 }),
      ticket("never", { priority: -Infinity }),
    ],
    want: "aged early late least never",
  },
] as const;

for (const { name, tickets, want } of ORDERS) {
  Deno.test(`a waiting line puts ${name}`, () => equal(namesOf(lineOf(tickets)), want));
}

Deno.test("a waiting line counts by model, also after tickets have left", () => {
  const [first, second, other] = [ticket("1"), ticket("2"), ticket("3", { key: "b" })];
  const line = lineOf([first, second, other]);
  const counts = () => [
    line.size,
    line.keyCount,
    line.countOf("a"),
    line.countOf("b"),
    line.countOf("never seen"),
  ];
  deepEqual(counts(), [3, 2, 2, 1, 0]);
  equal(line.remove(first), true);
  deepEqual(counts(), [2, 2, 1, 1, 0]);
  line.remove(second);
  deepEqual(counts(), [1, 1, 0, 1, 0]);
  line.remove(other);
  deepEqual(counts(), [0, 0, 0, 0, 0]);
});

const FIRSTS = [
  { name: "where nobody waits", waiting: [], want: true },
  {
    name: "where only others' keys are waited for",
    waiting: [ticket("b", { key: "b", priority: 10 })],
    want: true,
  },
  { name: "before a lower priority", waiting: [ticket("low", { priority: 4 })], want: true },
  { name: "before the background", waiting: [ticket("old", { priority: -1, sinceMs: -1e9 })], want: true },
  { name: "not before its equal, who came earlier", waiting: [ticket("equal")], want: false },
  {
    name: "not before the best, whoever else waits",
    waiting: [ticket("low", { priority: 0 }), ticket("high", { priority: 6 })],
    want: false,
  },
] as const;

for (const { name, waiting, want } of FIRSTS) {
  Deno.test(`a newcomer is first ${name}`, () => {
    const line = lineOf(waiting);
    equal(line.isFirst(ticket("newcomer")), want);
    equal(line.size, waiting.length);
  });
}

Deno.test("who leaves twice, or never waited, changes nothing", () => {
  const [first, second] = [ticket("first"), ticket("second")];
  const line = lineOf([first, second]);
  line.remove(first);
  deepEqual([line.remove(first), line.remove(ticket("second"))], [false, false]);
  deepEqual([line.size, line.countOf("a"), namesOf(line)], [1, 1, "second"]);
});

Deno.test("who is added twice waits once, at its place; who has left and comes again is last", () => {
  const [first, second] = [ticket("first"), ticket("second")];
  const line = lineOf([first, second, first]);
  deepEqual([line.size, line.countOf("a"), namesOf(line)], [2, 2, "first second"]);
  line.remove(first);
  line.add(first);
  equal(namesOf(line), "second first");
});

Deno.test("find() is the best that matches, or nobody", () => {
  const line = lineOf([ticket("1"), ticket("2", { key: "b" }), ticket("3", { key: "b" })]);
  equal(line.find(({ key }) => key === "b")?.name, "2");
  equal(line.find(({ key }) => key === "c"), undefined);
});

Deno.test("a loop over a waiting line bears that tickets leave and come meanwhile", () => {
  const tickets = ["1", "2", "3", "4"].map((name) => ticket(name));
  const line = lineOf(tickets);
  const seen: string[] = [];
  for (const one of line) {
    seen.push(one.name);
    line.remove(one);
    if (one.name === "2") line.remove(tickets[2]!);
    line.add(ticket(`after ${one.name}`));
  }
  equal(seen.join(" "), "1 2 4");
  equal(namesOf(line), "after 1 after 2 after 4");
});

Deno.test("a waiting line agrees with one that is sorted anew at every step", () => {
  const step = fc.record({
    priority: fc.integer({ min: -3, max: 10 }),
    waitedMs: fc.integer({ min: 0, max: 3 }).map((level) => level * 5_000),
    leaves: fc.option(fc.nat(20)),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const line = new WaitingLine<Named>();
    let model: Named[] = [];
    const classOf = ({ priority }: Named) => priority < 0 ? 0 : 1;
    steps.forEach(({ priority, waitedMs, leaves }, at) => {
      const one = ticket(String(at), { priority, sinceMs: waitedMs });
      line.add(one);
      model.push(one);
      const leaver = leaves === null ? undefined : model[leaves];
      if (leaver) equal(line.remove(leaver), true);
      model = model.filter((other) => other !== leaver);
      const rank = (waiting: Named) => waiting.priority * 5_000 - waiting.sinceMs;
      // Stable: first come, first served.
      const sorted = model.toSorted((a, b) => classOf(b) - classOf(a) || rank(b) - rank(a));
      deepEqual([...line], sorted);
    });
  }));
});
