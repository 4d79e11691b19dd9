import { equal, match } from "node:assert/strict";
import { watchForStall } from "../../../lib/coordinator/stall_watch.ts";
import type { ServerSlot } from "../../../lib/llama_server/client.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const STALL_MS = 60_000;

function slot(overrides: Partial<ServerSlot> = {}): ServerSlot {
  return { id: 0, isProcessing: true, taskId: 1, promptTokensProcessed: 10, tokensDecoded: 5, ...overrides };
}

/** Looks every 5 s at what `slotsAt` says, for so long; what the watch found, if it did. */
async function watch(
  forMs: number,
  slotsAt: (ms: number) => ServerSlot[],
  lost?: AbortSignal | ((ms: number) => AbortSignal),
): Promise<string | undefined> {
  const clock = new FakeClock(0);
  const end = new AbortController();
  const slots = () => Promise.resolve().then(() => slotsAt(clock.now()));
  let found: string | undefined;
  const watching = watchForStall({
    slots,
    stallMs: STALL_MS,
    get lost() {
      return typeof lost === "function" ? lost(clock.now()) : lost;
    },
    signal: end.signal,
    clock,
  }).then((it) => found = it);
  for (let ms = 0; ms < forMs; ms += 5_000) {
    for (let i = 0; i < 10; i++) await Promise.resolve();
    clock.advance(5_000);
  }
  for (let i = 0; i < 10; i++) await Promise.resolve();
  end.abort();
  await watching;
  return found;
}

Deno.test("an answer that stands still is found, one that crawls is not", async () => {
  match(await watch(70_000, () => [slot()]) ?? "", /^its answer made no progress for 1 min 0 s/);
  equal(await watch(600_000, (ms) => [slot({ tokensDecoded: 1 + Math.floor(ms / 50_000) })]), undefined);
});

Deno.test("a prompt gets five times the patience", async () => {
  const prompt = [slot({ tokensDecoded: 0 })];
  equal(await watch(290_000, () => prompt), undefined);
  match(await watch(310_000, () => prompt) ?? "", /^its prompt made no progress for 5 min 0 s/);
});

Deno.test("idle slots never stall, and a new task starts the clock anew", async () => {
  equal(await watch(600_000, () => [slot({ isProcessing: false })]), undefined);
  equal(await watch(600_000, (ms) => [slot({ taskId: Math.floor(ms / 40_000) })]), undefined);
});

Deno.test("a server that no longer tells has not moved", async () => {
  const found = await watch(70_000, (ms) => {
    if (ms > 10_000) throw new Error("timed out");
    return [slot()];
  });
  match(found ?? "", /made no progress/);
});

Deno.test("a server that never told anything is left alone: it may just be busy with nothing", async () => {
  equal(
    await watch(600_000, () => {
      throw new Error("timed out");
    }),
    undefined,
  );
});

Deno.test("where a backend is said to be gone, a standstill of seconds is enough, but progress still counts", async () => {
  const lost = AbortSignal.abort();
  match(
    await watch(15_000, () => [slot({ tokensDecoded: 0 })], lost) ?? "",
    /^its prompt made no progress for 5\.\d s/,
  );
  equal(await watch(120_000, (ms) => [slot({ tokensDecoded: 1 + ms / 1_000 })], lost), undefined);
});

Deno.test("patience is long again when the backend is back", async () => {
  const lost = (ms: number) => ms < 20_000 ? AbortSignal.abort() : new AbortController().signal;
  equal(await watch(70_000, (ms) => [slot({ tokensDecoded: 1 + Math.min(ms, 20_000) })], lost), undefined);
});
