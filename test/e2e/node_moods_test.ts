import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { NodeHealth } from "../../lib/nodes/node.ts";
import type { FakeOllamaMode } from "../fakes/fake_ollama_mode.ts";
import { eventually } from "./eventually.ts";
import { NodeBed } from "./node_bed.ts";
import { Mood, type MoodResult, type Seen } from "./node_moods.ts";

const FIRST_BYTE_MS = 10_000;
/** A machine that is busy may tell a deadline late. */
const GRACE_MS = 5_000;

/**
 * What becomes of a request that comes to a node which misbehaves, where a sound one is beside it. `served`: the node itself
 * answers. `bettered`: the other one does, at the second attempt. `cut`: a stream of which the client has had a part ends
 * with an error event; another is bettered. `late`: it is told at the deadline. `refused`: the other one is not asked.
 */
type Fate = "served" | "bettered" | "cut" | "late";

interface MoodCase {
  readonly mode: FakeOllamaMode;
  readonly stream: Fate;
  readonly whole: Fate;
  /** What a client is told that asks for no stream, where no other node has the model. */
  readonly alone?: readonly [status: number, says: RegExp];
  /** How the node is seen in the end, and why. */
  readonly health?: NodeHealth;
  readonly says?: RegExp;
  /** Whether what it did to requests counts against it. */
  readonly isFault?: boolean;
}

const CASES: readonly MoodCase[] = [
  { mode: "ok", stream: "served", whole: "served" },
  { mode: "slow_first_token", stream: "served", whole: "served" },
  { mode: "absurd_ps", stream: "served", whole: "served" },
  { mode: "case_names", stream: "served", whole: "served" },
  { mode: "version_skew", stream: "served", whole: "served", says: /Ollama 0\.1\.30/ },
  { mode: "busy_429", stream: "bettered", whole: "bettered", alone: [429, /^too many requests$/] },
  { mode: "busy_503", stream: "bettered", whole: "bettered", alone: [503, /^server busy, please try again/] },
  { mode: "model_missing", stream: "bettered", whole: "bettered", alone: [404, /model_missing-alone/] },
  { mode: "too_large", stream: "bettered", whole: "bettered", alone: [507, /refused it for want of memory/] },
  {
    mode: "error_500",
    stream: "bettered",
    whole: "bettered",
    alone: [500, /^llama runner process has terminated/],
    isFault: true,
  },
  {
    mode: "error_500_after_headers",
    stream: "bettered",
    whole: "bettered",
    alone: [502, /^error_500_after_headers-alone answered with content of the type/],
    isFault: true,
  },
  {
    mode: "error_in_200",
    stream: "bettered",
    whole: "bettered",
    alone: [502, /with an error inside: an error that nobody gave a status/],
    isFault: true,
  },
  {
    mode: "reset_before_answer",
    stream: "bettered",
    whole: "bettered",
    alone: [502, /^reset_before_answer-alone broke off: .*reset/],
    isFault: true,
  },
  {
    mode: "reset_mid_stream",
    stream: "cut",
    whole: "bettered",
    alone: [502, /^reset_mid_stream-alone broke off/],
    isFault: true,
  },
  {
    mode: "runner_crash",
    stream: "cut",
    whole: "bettered",
    alone: [500, /unexpected EOF|lost the process/],
    isFault: true,
  },
  {
    mode: "hang_inference",
    stream: "late",
    whole: "late",
    alone: [504, /^No answer began within 10\.0 s \(timeouts\.first_byte\)/],
    isFault: true,
  },
  {
    mode: "hang",
    stream: "bettered",
    whole: "bettered",
    alone: [504, /nothing was heard of it for .*; check whether it hangs/],
    health: "down",
    says: /did not answer whole/,
    isFault: true,
  },
  {
    mode: "half_open",
    stream: "bettered",
    whole: "bettered",
    alone: [504, /nothing was heard of it for .*; check whether it hangs/],
    health: "down",
    says: /did not answer whole/,
    isFault: true,
  },
  {
    mode: "html",
    stream: "bettered",
    whole: "bettered",
    alone: [502, /^html-alone answered with content of the type text\/html/],
    health: "down",
    says: /check that an Ollama is there/,
    isFault: true,
  },
  {
    mode: "truncated_json",
    stream: "cut",
    whole: "bettered",
    alone: [502, /^truncated_json-alone answered with what is no JSON object|ended early/],
    health: "down",
    says: /something else than Ollama's version/,
    isFault: true,
  },
  {
    mode: "endless_body",
    stream: "bettered",
    whole: "bettered",
    alone: [502, /^endless_body-alone broke off: .* has more than /],
    health: "down",
    says: /more than 1\.00 MiB, which no Ollama sends/,
    isFault: true,
  },
  {
    mode: "redirect",
    stream: "bettered",
    whole: "bettered",
    alone: [502, /^redirect-alone answered 302, a redirect, which is not followed/],
    health: "down",
    says: /it redirects GET \/api\/version to http:\/\/127\.0\.0\.1:9\/; configure/,
    isFault: true,
  },
  {
    mode: "wrong_content_length",
    stream: "served",
    whole: "bettered",
    alone: [502, /^wrong_content_length-alone broke off: .*closed the connection before its end/],
    health: "down",
    says: /closed the connection before its end/,
    isFault: true,
  },
  {
    mode: "chunks_without_end",
    stream: "served",
    whole: "bettered",
    alone: [502, /^chunks_without_end-alone broke off: .*closed the connection before its end/],
    health: "down",
    says: /closed the connection before its end/,
    isFault: true,
  },
  {
    mode: "huge_headers",
    stream: "bettered",
    whole: "bettered",
    alone: [502, /^huge_headers-alone broke off: .* its head has more than /],
    health: "down",
    says: /its head has more than/,
    isFault: true,
  },
];

Deno.test("whatever a node does to its requests, what can be saved is saved, and the rest is told in sentences", async (test) => {
  await using bed = await NodeBed.create();
  await using gateway = await bed.serve({
    timeouts: { stall: "2s", connect: "1s", first_byte: `${FIRST_BYTE_MS}ms` },
    nodes: { check_every: "3s", hedge_embeddings: "700ms" },
    waiting: { comment_every: "1m" }, // or a stream that is refused late begins with 200
  });
  await using stack = new AsyncDisposableStack();
  const moods = await Promise.all(CASES.map(({ mode }) => Mood.prepare(gateway, mode)));
  for (const mood of moods) stack.use(mood);
  const results = await Promise.all(moods.map((mood) => mood.play()));

  for (const [at, moodCase] of CASES.entries()) {
    const result = results[at]!;
    await test.step(sentenceOf(moodCase), async () => {
      assertFate(result.stream, moodCase.stream, moodCase, "bad");
      assertFate(result.whole, moodCase.whole, moodCase, "bad");
      ok(result.embedding.isWhole, JSON.stringify(result.embedding));
      assertAlone(result, moodCase);
      await assertView(moods[at]!, moodCase);
    });
  }
  await gateway.stop();
});

function sentenceOf({ mode, stream, whole, alone, health = "up" }: MoodCase): string {
  const fates = stream === whole ? `both are ${stream}` : `a stream is ${stream}, a whole answer ${whole}`;
  return `${mode}: ${fates}; alone: ${alone?.[0] ?? 200}; seen as ${health}`;
}

function assertFate(seen: Seen, fate: Fate, moodCase: MoodCase, role: string): void {
  const { mode } = moodCase;
  const told = JSON.stringify(seen);
  ok(seen.tookMs < FIRST_BYTE_MS + GRACE_MS, `it took too long: ${told}`);
  switch (fate) {
    case "served":
      deepEqual([seen.isWhole, seen.upstream, seen.attemptCount], [true, `${mode}-${role}`, 1], told);
      break;
    case "bettered":
      deepEqual([seen.isWhole, seen.upstream, seen.attemptCount], [true, `${mode}-good`, 2], told);
      break;
    case "cut":
      if (seen.isWhole) return assertFate(seen, "bettered", moodCase, role);
      deepEqual([seen.status, seen.isWhole, seen.error?.code], [200, false, "upstream_failed"], told);
      ok(seen.error!.tokens_delivered! > 0, told);
      break;
    case "late":
      deepEqual([seen.status, seen.error?.code], [504, "upstream_timeout"], told);
  }
}

/** With nobody to turn to, what would have been saved is refused. */
function assertAlone({ aloneStream, aloneWhole }: MoodResult, moodCase: MoodCase): void {
  const refused = [["stream", aloneStream], ["whole", aloneWhole]] as const;
  for (const [kind, seen] of refused) {
    const fate = moodCase[kind];
    if (fate === "served" || (fate === "cut" && seen.status === 200)) {
      assertFate(seen, fate, moodCase, "alone");
      continue;
    }
    const [status, says] = moodCase.alone!;
    const isBroken = fate === "cut"; // before its client had a part, and not as a whole answer is refused
    ok(isBroken ? seen.status >= 500 : seen.status === status, JSON.stringify(seen));
    match(seen.error!.message, says);
    const { type, ...rest } = seen.error!;
    deepEqual([typeof type, "param" in rest, "code" in rest], ["string", true, true]);
    ok(seen.tookMs < FIRST_BYTE_MS + GRACE_MS, `it took too long: ${JSON.stringify(seen)}`);
  }
}

async function assertView(
  mood: Mood,
  { health = "up", says = /^it answers/, isFault = false }: MoodCase,
): Promise<void> {
  await eventually(`${mood.mode}: ${health}, ${says}`, async () => {
    const view = await mood.view();
    return view.health === health && says.test(view.reason);
  }).catch(async (error) => equal(JSON.stringify(await mood.view()), error.message));
  const { failedCount } = await mood.view();
  equal(failedCount > 0, isFault, `${failedCount} failures count against it`);
}
