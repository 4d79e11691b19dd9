import { deepEqual, equal } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { CheckQueue } from "../../../lib/registry/check_queue.ts";

/** A queue whose checks end when told to. */
class QueueBed {
  readonly started: string[] = [];
  readonly aborted: string[] = [];
  readonly #running = new Map<string, () => void>();
  limit = 4;
  readonly queue = new CheckQueue<string>((item, signal) => {
    this.started.push(item);
    return new Promise((resolve) => {
      this.#running.set(item, resolve);
      signal.addEventListener("abort", () => {
        this.aborted.push(item);
        resolve();
      });
    });
  }, () => this.limit);

  ask(item: string, { isQuick = true, isUrgent = false } = {}): Promise<void> {
    return this.queue.ask(item, { isQuick, isUrgent });
  }

  async end(item: string): Promise<void> {
    this.#running.get(item)!();
    await setImmediate();
  }
}

Deno.test("checks of one item are one: who asks meanwhile joins it", async () => {
  const bed = new QueueBed();
  const answers = [bed.ask("a"), bed.ask("a", { isUrgent: true })];
  deepEqual(bed.started, ["a"]);
  await bed.end("a");
  await Promise.all(answers);
  void bed.ask("a");
  deepEqual(bed.started, ["a", "a"]);
  await bed.queue[Symbol.asyncDispose]();
});

Deno.test("at most so many checks run as the limit says, and the rest follow in their order", async () => {
  const bed = new QueueBed();
  for (const item of "abcdef") void bed.ask(item);
  equal(bed.queue.runningCount, 4);
  await bed.end("b");
  deepEqual(bed.started.join(""), "abcde");
  bed.limit = 5;
  bed.queue.advance();
  deepEqual(bed.started.join(""), "abcdef");
  await bed.queue[Symbol.asyncDispose]();
});

Deno.test("an urgent check overtakes those that wait", async () => {
  const bed = new QueueBed();
  for (const item of "abcdef") void bed.ask(item);
  void bed.ask("f", { isUrgent: true });
  await bed.end("a");
  deepEqual(bed.started.join(""), "abcdf");
  await bed.queue[Symbol.asyncDispose]();
});

Deno.test("slow checks leave a quarter of the places to quick ones", async () => {
  const bed = new QueueBed();
  for (const item of "abcd") void bed.ask(item, { isQuick: false });
  deepEqual(bed.started.join(""), "abc");
  void bed.ask("q");
  deepEqual(bed.started.join(""), "abcq");
  await bed.end("q");
  deepEqual(bed.started.join(""), "abcq");
  await bed.end("a");
  deepEqual(bed.started.join(""), "abcqd");
  await bed.queue[Symbol.asyncDispose]();
});

Deno.test("a cancelled check ends for whoever waits, whether it runs or waits itself", async () => {
  const bed = new QueueBed();
  bed.limit = 1;
  const answers = [bed.ask("a"), bed.ask("b")];
  bed.queue.cancel("b");
  bed.queue.cancel("a");
  await Promise.all(answers);
  deepEqual([bed.started, bed.aborted], [["a"], ["a"]]);
  await bed.queue[Symbol.asyncDispose]();
});

Deno.test("disposal aborts what runs and starts nothing more", async () => {
  const bed = new QueueBed();
  for (const item of "abcdef") void bed.ask(item);
  await bed.queue[Symbol.asyncDispose]();
  deepEqual([bed.started.join(""), bed.aborted.join("")], ["abcd", "abcd"]);
  await bed.ask("z");
  equal(bed.started.length, 4);
});
