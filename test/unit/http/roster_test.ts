import { deepEqual } from "node:assert/strict";
import { Roster, type Rostered } from "../../../lib/http/roster.ts";

Deno.test("Roster keeps what was added and not removed, in whatever order that happens", () => {
  const roster = new Roster<Rostered & { name: string }>();
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => ({ name, rosterIndex: -1 }));
  const names = () => roster.toArray().map(({ name }) => name).sort();
  for (const member of [a!, b!, c!]) roster.add(member);
  roster.remove(a!);
  roster.remove(a!);
  deepEqual(names(), ["b", "c"]);
  roster.add(d!);
  roster.remove(c!);
  roster.add(a!);
  deepEqual(names(), ["a", "b", "d"]);
  for (const member of roster.toArray()) roster.remove(member);
  deepEqual(names(), []);
});
