import { setImmediate } from "node:timers/promises";
import { deepEqual } from "node:assert/strict";
import type { CoordinatorReport } from "../../lib/coordinator_admin.ts";
import { GatewayError } from "../../lib/errors.ts";
import { createLogger } from "../../lib/log.ts";
import { Prewarm } from "../../lib/prewarm.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

/** A gateway that fails to load a model so often, with such an error. */
class Bed {
  readonly clock = new FakeClock();
  readonly asked: string[] = [];
  readonly lines: string[] = [];

  constructor(private readonly failures: Record<string, { count: number; error: Error }> = {}) {}

  prewarm(...models: string[]): Prewarm {
    const logger = createLogger({
      sink: (line) => {
        const { message, model } = JSON.parse(line);
        this.lines.push(`${message}: ${model}`);
      },
      clock: this.clock,
    });
    const loadModel = (model: string, { signal }: { signal: AbortSignal }): Promise<CoordinatorReport> => {
      this.asked.push(model);
      const failure = this.failures[model];
      if (signal.aborted) return Promise.reject(signal.reason);
      if (failure && failure.count-- > 0) return Promise.reject(failure.error);
      return Promise.resolve({} as CoordinatorReport);
    };
    return new Prewarm({ models, coordinators: { loadModel }, logger, clock: this.clock });
  }

  /** Lets time pass until nothing is left to be done. */
  async finish({ done }: Prewarm): Promise<void> {
    let isOver = false;
    void done.then(() => isOver = true);
    while (!isOver) {
      this.clock.advance(1_000);
      await setImmediate();
    }
  }
}

Deno.test("models are prewarmed in their order", async () => {
  const bed = new Bed();
  await using prewarm = bed.prewarm("a", "b");
  await prewarm.done;
  deepEqual([bed.asked, bed.lines], [["a", "b"], ["model prewarmed: a", "model prewarmed: b"]]);
});

Deno.test("a model is tried again while its backends are still joining", async () => {
  const bed = new Bed({ a: { count: 2, error: new GatewayError("no_capacity", "no rpc backend is known") } });
  await using prewarm = bed.prewarm("a", "b");
  await bed.finish(prewarm);
  deepEqual(bed.asked, ["a", "a", "a", "b"]);
});

Deno.test("a model that never loads does not keep the next one from it", async () => {
  const bed = new Bed({ a: { count: Infinity, error: new GatewayError("no_capacity", "nothing there") } });
  await using prewarm = bed.prewarm("a", "b");
  await bed.finish(prewarm);
  deepEqual(bed.asked, ["a", "a", "a", "a", "a", "a", "b"]);
  deepEqual(bed.lines, ["model not prewarmed: a", "model prewarmed: b"]);
});

Deno.test("a model that does not exist is tried once", async () => {
  const bed = new Bed({
    a: { count: Infinity, error: new GatewayError("model_not_found", "no such model") },
  });
  await using prewarm = bed.prewarm("a", "b");
  await prewarm.done;
  deepEqual(bed.asked, ["a", "b"]);
});

Deno.test("disposal ends it amid a pause, and loads nothing more", async () => {
  const bed = new Bed({ a: { count: Infinity, error: new GatewayError("no_capacity", "nothing there") } });
  const prewarm = bed.prewarm("a", "b");
  await setImmediate();
  await prewarm[Symbol.asyncDispose]();
  deepEqual(bed.lines, []);
  deepEqual(bed.asked.filter((model) => model === "b"), []);
});
