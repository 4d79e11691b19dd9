import { deepEqual, equal, match } from "node:assert/strict";
import { type CoordinatorLook, isIdle, StallJudge } from "../../../lib/coordinator/stall_judge.ts";
import type { ServerSlot } from "../../../lib/llama_server/client.ts";

const STALL_MS = 30_000;

function slot(overrides: Partial<ServerSlot> = {}): ServerSlot {
  return {
    id: 0,
    isProcessing: true,
    taskId: 1,
    promptTokens: 15,
    promptTokensCached: 0,
    promptTokensProcessed: 10,
    tokensDecoded: 5,
    ...overrides,
  };
}

const slots = (...of: Partial<ServerSlot>[]): CoordinatorLook => ({ kind: "slots", slots: of.map(slot) });

interface Finding {
  readonly atMs: number;
  readonly reason: string;
  readonly isItsOwn: boolean;
}

/** Looks each second at what `lookAt` says, for so long; the first thing that is found. */
function judge(
  forMs: number,
  lookAt: (ms: number) => CoordinatorLook,
  { isLost = () => false, everyMs = 1_000, stallMs = STALL_MS, isMultimodal = false, isLocal }: {
    isLost?: (ms: number) => boolean;
    everyMs?: number;
    stallMs?: number;
    isMultimodal?: boolean;
    isLocal?: boolean;
  } = {},
): Finding | undefined {
  const judge = new StallJudge({ stallMs, isMultimodal, isLocal });
  for (let ms = 0; ms <= forMs; ms += everyMs) {
    const fault = judge.judge(lookAt(ms), ms, isLost(ms));
    if (fault) return { atMs: ms, reason: fault.reason, isItsOwn: fault.isItsOwn ?? false };
  }
  return undefined;
}

for (
  const { name, lookAt, at } of [
    { name: "an answer that stands still", lookAt: () => slots({}), at: 30_000 },
    {
      name: "a prompt whose first batch has not begun",
      lookAt: () => slots({ tokensDecoded: 0, promptTokens: 0, promptTokensProcessed: 0 }),
      at: 30_000,
    },
    {
      name: "a prompt, later by half the patience for each 256 tokens of its batch",
      lookAt: () => slots({ tokensDecoded: 0, promptTokens: 356, promptTokensProcessed: 100 }),
      at: 45_000,
    },
    {
      name: "a prompt, of which the part from the cache is no work",
      lookAt: () =>
        slots({
          tokensDecoded: 0,
          promptTokens: 9_000,
          promptTokensCached: 8_900,
          promptTokensProcessed: 100,
        }),
      at: 30_000,
    },
    {
      name: "a prompt after five times the patience, however long it is",
      lookAt: () => slots({ tokensDecoded: 0, promptTokens: 100_000, promptTokensProcessed: 0 }),
      at: 150_000,
    },
    {
      name: "a prompt of which nobody tells how large its batch is, after five times the patience",
      lookAt: () => slots({ tokensDecoded: 0, promptTokens: undefined }),
      at: 150_000,
    },
    {
      name: "an answer in a batch with another's prompt, with the patience for that",
      lookAt: () => slots({}, { id: 1, tokensDecoded: 0, promptTokens: 512, promptTokensProcessed: 0 }),
      at: 60_000,
    },
    {
      name: "an answer that stops after it moved, from there on",
      lookAt: (ms: number) => slots({ tokensDecoded: Math.min(ms, 10_000) }),
      at: 40_000,
    },
    {
      name: "an answer that goes on standing while slots are not told any more",
      lookAt: (ms: number): CoordinatorLook => ms < 5_000 ? slots({}) : { kind: "mute" },
      at: 150_000,
    },
    {
      name: "one that was idle and does not tell any more what it does, after the longest patience",
      lookAt: (ms: number): CoordinatorLook => ms < 5_000 ? slots() : { kind: "mute" },
      at: 155_000,
    },
  ]
) {
  Deno.test(`StallJudge finds ${name}`, () => {
    const found = judge(400_000, lookAt);
    equal(found?.atMs, at);
    match(found?.reason ?? "", /made no progress for .*, so an rpc backend hangs$/);
    equal(found?.isItsOwn, false);
  });
}

for (
  const { name, lookAt } of [
    {
      name: "an answer that crawls",
      lookAt: (ms: number) => slots({ tokensDecoded: 1 + Math.floor(ms / 29_000) }),
    },
    {
      name: "a prompt that goes on batch by batch",
      lookAt: (ms: number) => slots({ tokensDecoded: 0, promptTokensProcessed: Math.floor(ms / 29_000) }),
    },
    { name: "idle slots", lookAt: () => slots({ isProcessing: false }, { id: 1, isProcessing: false }) },
    {
      name: "requests one after another",
      lookAt: (ms: number) => slots({ taskId: Math.floor(ms / 20_000) }),
    },
    {
      name: "a slot that waits beside one that moves",
      lookAt: (ms: number) => slots({}, { id: 1, tokensDecoded: ms }),
    },
    { name: "one that never told of its slots", lookAt: (): CoordinatorLook => ({ kind: "mute" }) },
    {
      name: "one that is silent now and then",
      lookAt: (ms: number): CoordinatorLook =>
        ms % 12_000 < 9_000 ? { kind: "silent", askedMs: ms - ms % 12_000 } : slots(),
    },
  ]
) {
  Deno.test(`StallJudge leaves alone ${name}`, () => equal(judge(400_000, lookAt), undefined));
}

Deno.test("StallJudge is patient for seconds only where a backend is said to be gone, but progress still counts", () => {
  const isLost = () => true;
  const prompt = { tokensDecoded: 0, promptTokens: 2_048, promptTokensProcessed: 0 };
  equal(judge(60_000, () => slots(prompt), { isLost })?.atMs, 5_000);
  equal(judge(60_000, (ms) => slots({ tokensDecoded: ms }), { isLost }), undefined);
  equal(judge(60_000, () => slots({}), { isLost, stallMs: 2_000 })?.atMs, 2_000);
});

Deno.test("StallJudge is patient with prompts that may hold pictures, but not with answers", () => {
  const prompt = { tokensDecoded: 0, promptTokens: 0, promptTokensProcessed: 0 };
  equal(judge(400_000, () => slots(prompt), { isMultimodal: true })?.atMs, 150_000);
  equal(judge(400_000, () => slots({}), { isMultimodal: true })?.atMs, 30_000);
});

Deno.test("StallJudge is patient again when the backend is back", () => {
  const isLost = (ms: number) => ms < 20_000;
  equal(judge(70_000, (ms) => slots({ tokensDecoded: Math.min(ms, 18_000) }), { isLost })?.atMs, 48_000);
});

Deno.test("StallJudge finds a process that answers nothing, which is no backend's fault", () => {
  const found = judge(60_000, (ms) => ms < 5_000 ? slots() : { kind: "silent", askedMs: ms });
  deepEqual(found, {
    atMs: 15_000,
    reason: "its process has answered nothing for 10.0 s",
    isItsOwn: true,
  });
  equal(judge(60_000, (ms) => ({ kind: "silent", askedMs: ms }), { stallMs: 2_000 })?.atMs, 2_000);
});

Deno.test("StallJudge asks three times before it takes a process for dead: a machine may have been suspended", () => {
  const found = judge(200_000, (ms) => ({ kind: "silent", askedMs: ms }), { everyMs: 60_000 });
  equal(found?.atMs, 120_000);
});

Deno.test("StallJudge does not count time in which nobody looked as a standstill", () => {
  equal(judge(300_000, () => slots({}), { everyMs: 60_000 }), undefined);
  equal(judge(400_000, () => slots({}), { everyMs: 60_000 })?.atMs, 360_000, "six looks, 5 s each");
});

Deno.test("StallJudge wants to look again soon while something is in flight, or it is silent", () => {
  const judge = new StallJudge({ stallMs: STALL_MS, isMultimodal: false });
  const tense = [
    slots(),
    slots({}),
    slots({ isProcessing: false }),
    { kind: "silent", askedMs: 0 },
    slots(),
    { kind: "mute" },
  ] as const;
  deepEqual(
    tense.map((look) => {
      judge.judge(look, 0, false);
      return judge.isTense;
    }),
    [false, true, false, true, false, true],
  );
});

Deno.test("isIdle() believes only slots that are told", () => {
  deepEqual(
    [slots(), slots({ isProcessing: false }), slots({}), { kind: "mute" }, { kind: "silent", askedMs: 0 }]
      .map((look) => isIdle(look as CoordinatorLook)),
    [true, true, false, false, false],
  );
});

Deno.test("StallJudge blames no rpc backend where there is none", () => {
  deepEqual(judge(100_000, () => slots({}), { isLocal: true }), {
    atMs: 30_000,
    reason: "its answer made no progress for 30.0 s",
    isItsOwn: true,
  });
});
