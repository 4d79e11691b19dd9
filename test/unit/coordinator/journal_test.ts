import { deepEqual, equal, notEqual } from "node:assert/strict";
import { Journal, Journals } from "../../../lib/coordinator/journal.ts";

Deno.test("Journal keeps the last thousand lines, and tells as many as are asked for", () => {
  const journal = new Journal();
  for (let line = 1; line <= 5_000; line++) journal.append(`${line}`);
  equal(journal.tail().length, 1_000);
  deepEqual(journal.tail(2), ["4999", "5000"]);
  deepEqual([journal.tail(0), journal.tail(-1)], [[], []]);
  deepEqual(journal.tail(9_999)[0], "4001");
});

Deno.test("Journal tells followers each line that comes after the call, also before they read", async () => {
  const journal = new Journal();
  const end = new AbortController();
  journal.append("before");
  const followed = journal.follow(end.signal);
  journal.append("one");
  journal.append("two");
  deepEqual([(await followed.next()).value, (await followed.next()).value], ["one", "two"]);
  const next = followed.next();
  journal.append("three");
  equal((await next).value, "three");
  const last = followed.next();
  end.abort();
  equal((await last).done, true);
});

Deno.test("Journal tells a follower that is too slow how many lines it missed", async () => {
  const journal = new Journal();
  const followed = journal.follow(new AbortController().signal);
  for (let line = 1; line <= 1_500; line++) journal.append(`${line}`);
  let told = "";
  for (let read = 0; read <= 1_000; read++) told = (await followed.next()).value ?? "";
  equal(told, "[500 lines are left out here]");
  await followed.return();
});

Deno.test("Journal cuts a line that would fill the memory", () => {
  const journal = new Journal();
  journal.append("x".repeat(1_000_000));
  equal(journal.tail()[0]?.length, 2_000);
});

Deno.test("Journals has one journal for each key", () => {
  const journals = new Journals();
  equal(journals.of("a"), journals.of("a"));
  notEqual(journals.of("a"), journals.of("b"));
});
