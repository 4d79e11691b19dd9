import type { ServerSlot } from "../llama_server/client.ts";
import { formatDuration } from "../units.ts";
import type { Fault } from "./coordinator_failure.ts";

/** What a look at a coordinator found. */
export type CoordinatorLook =
  | { readonly kind: "slots"; readonly slots: readonly ServerSlot[] }
  /** It answers, but does not tell what its slots do. */
  | { readonly kind: "mute" }
  /** It answered nothing; asked first at `askedMs` of a monotonic clock. */
  | { readonly kind: "silent"; readonly askedMs: number };

/** How long a coordinator may stand still. */
export interface StallPatience {
  /** For an answer, ms; for a prompt up to five times as long, by its batch. */
  readonly stallMs: number;
  /** Whether prompts may hold pictures or sound: these take long on their own, and nothing counts meanwhile. */
  readonly isMultimodal: boolean;
  /** Whether it uses no rpc backend, so that none can be at fault. Default false. */
  readonly isLocal?: boolean | undefined;
}

/** Whether nothing is in flight, as far as the coordinator tells. */
export function isIdle(look: CoordinatorLook): boolean {
  return look.kind === "slots" && look.slots.every(({ isProcessing }) => !isProcessing);
}

/** Tokens of a prompt for which the patience is doubled: they are computed in one go, and counted when it is done. */
const TOKENS_PER_PATIENCE = 512;
/** llama-server computes no more of a prompt in one go, unless it is told to. */
const LARGEST_BATCH_TOKENS = 2_048;
/** How long a standstill may last where a backend is said to be gone: it proves that it is so. */
const LOST_PATIENCE_MS = 5_000;
/** For how long a coordinator may answer nothing, ms: it answers from memory. */
const SILENT_PATIENCE_MS = 10_000;
/** So often it must be asked in vain: a machine that swaps, or was suspended, gets its chance. */
const SILENT_LOOKS = 3;
/** What one look may add to a standstill: nobody knows how long we did not run ourselves. */
const MOST_STILL_MS = 5_000;

/**
 * Judges by looks at a coordinator whether it hangs. A backend that is frozen holds all of its slots, and llama-server
 * would wait for it for ever, healthy to everybody who asks: its counters are the only sign. A stream that is silent may
 * only be slow, and pings come from a thread of their own. Pure.
 */
export class StallJudge {
  /** Counters of all slots that compute, empty if none does; `undefined` until it has told. */
  #progress: string | undefined;
  #patienceMs = 0;
  #what = "";
  #stillMs = 0;
  #lookMs: number | undefined;
  #silence: { readonly sinceMs: number; lookCount: number } | undefined;

  /** Has seen nothing yet. */
  constructor(private readonly patience: StallPatience) {}

  /** Whether something was in flight, or it answered nothing, at the last look: look again soon. */
  get isTense(): boolean {
    return Boolean(this.#progress) || this.#silence !== undefined;
  }

  /**
   * Takes a look.
   *
   * @param nowMs When it was over, of the same clock as all others.
   * @param isLost Whether something else says that a backend is gone; then patience is short.
   * @returns What is wrong, if it hangs.
   */
  judge(look: CoordinatorLook, nowMs: number, isLost: boolean): Fault | undefined {
    const elapsedMs = Math.min(nowMs - (this.#lookMs ?? nowMs), MOST_STILL_MS);
    this.#lookMs = nowMs;
    if (look.kind === "silent") return this.#judgeSilence(look.askedMs, nowMs);
    this.#silence = undefined;
    if (look.kind === "slots") this.#learn(look.slots, elapsedMs);
    else this.#standMute(elapsedMs);
    if (!this.#progress) return undefined;
    const patienceMs = isLost ? Math.min(LOST_PATIENCE_MS, this.patience.stallMs) : this.#patienceMs;
    if (this.#stillMs < patienceMs) return undefined;
    const reason = `${this.#what} made no progress for ${formatDuration(this.#stillMs)}`;
    return this.patience.isLocal
      ? { reason, isItsOwn: true }
      : { reason: `${reason}, so an rpc backend hangs` };
  }

  #judgeSilence(askedMs: number, nowMs: number): Fault | undefined {
    const silence = this.#silence ??= { sinceMs: askedMs, lookCount: 0 };
    silence.lookCount++;
    const silentMs = nowMs - silence.sinceMs;
    const isOver = silentMs >= Math.min(SILENT_PATIENCE_MS, this.patience.stallMs);
    if (!isOver || silence.lookCount < SILENT_LOOKS) return undefined;
    return { reason: `its process has answered nothing for ${formatDuration(silentMs)}`, isItsOwn: true };
  }

  /** One loop computes all slots: if any moves, none hangs. */
  #learn(slots: readonly ServerSlot[], elapsedMs: number): void {
    const computing = slots.filter(({ isProcessing }) => isProcessing);
    const progress = computing.map((slot) =>
      [slot.id, slot.taskId, slot.promptTokens, slot.promptTokensProcessed, slot.tokensDecoded].join(" ")
    ).join(", ");
    this.#stillMs = progress === this.#progress ? this.#stillMs + elapsedMs : 0;
    this.#progress = progress;
    const prompts = computing.filter(({ tokensDecoded }) => tokensDecoded === 0);
    this.#patienceMs = this.#patienceFor(
      prompts.reduce((sum, prompt) => sum + this.#tokensUnderWay(prompt), 0),
    );
    this.#what = prompts.length > 0 ? "its prompt" : "its answer";
  }

  /** One that told before is busy with something that it does not interrupt to tell. */
  #standMute(elapsedMs: number): void {
    if (this.#progress === undefined) return;
    const isNew = this.#progress === "";
    this.#progress ||= "untold";
    this.#stillMs = isNew ? 0 : this.#stillMs + elapsedMs;
    if (isNew) this.#what = "what it computes";
    this.#patienceMs = this.#patienceFor(LARGEST_BATCH_TOKENS);
  }

  #patienceFor(batchTokens: number): number {
    const { stallMs } = this.patience;
    return stallMs * (1 + Math.min(batchTokens, LARGEST_BATCH_TOKENS) / TOKENS_PER_PATIENCE);
  }

  /** Tokens of a prompt in the batch that is being computed: those that are neither from the cache nor counted yet. */
  #tokensUnderWay({ promptTokens, promptTokensCached, promptTokensProcessed }: ServerSlot): number {
    if (this.patience.isMultimodal || promptTokens === undefined) return LARGEST_BATCH_TOKENS;
    return Math.max(0, promptTokens - promptTokensCached - promptTokensProcessed);
  }
}
