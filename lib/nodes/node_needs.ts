import { backOffMs } from "../back_off.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { HttpClient } from "../http/client.ts";
import type { Logger } from "../log.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { guessNeed } from "../planner/guessed_need.ts";
import { needOfContent } from "../planner/node_need.ts";
import { Alarm } from "../registry/alarm.ts";
import { CheckQueue } from "../registry/check_queue.ts";
import type { GgufHeaderCache } from "../store/gguf_header_cache.ts";
import { fetchShown, type ShowFinding } from "./fetch_shown.ts";
import { type HeldModel, HeldModels, type Holder } from "./held_models.ts";
import type { ModelNeed } from "./model_need.ts";
import type { KnownNode } from "./node.ts";
import type { ShownModel } from "./show_answer.ts";
import { StoredNeeds } from "./stored_needs.ts";

/** What {@linkcode NodeNeeds} works with. */
export interface NodeNeedsOptions {
  /** Stays the caller's to dispose. */
  readonly http: Pick<HttpClient, "send">;
  /** Gets what could not be learned. */
  readonly logger: Logger;
  /** Time; only the monotonic one is looked at. Default: the host's. */
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. Default: `Math.random`. */
  readonly random?: () => number;
  /** Saves reading a stored model's header again. */
  readonly headers?: GgufHeaderCache;
}

/** Requests at once: a node has better to do, and a need is known by its size meanwhile. */
const MAX_REQUESTS = 2;
/** Clients can ask for any name. */
const MAX_GUESSES = 10_000;
/** How often it is looked whether a node is up again that could tell more, ms. */
const LOOK_AGAIN_MS = 30_000;

/**
 * What each model takes on a node: known by its size at once, and better as soon as a node has shown its shape, for which
 * one node that holds it is asked once, in the background. Requests only read memory.
 */
export class NodeNeeds implements AsyncDisposable {
  readonly #http: Pick<HttpClient, "send">;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #held = new HeldModels();
  readonly #stored: StoredNeeds;
  readonly #guesses = new Map<string, ModelNeed | undefined>();
  readonly #queue: CheckQueue<HeldModel>;
  readonly #alarm: Alarm;

  /** Asks nobody before {@linkcode learn}. */
  constructor({ http, logger, clock = systemClock, random = Math.random, headers }: NodeNeedsOptions) {
    this.#http = http;
    this.#logger = logger;
    this.#clock = clock;
    this.#random = random;
    this.#stored = new StoredNeeds(logger, headers);
    this.#alarm = new Alarm(clock, () => this.#askOpen());
    this.#queue = new CheckQueue((model, signal) => this.#ask(model, signal), () => MAX_REQUESTS);
  }

  /** A node holds what its list says now: sizes count from here on, and what is new is asked for behind. */
  learn(node: KnownNode): void {
    this.#cancel(this.#held.put(node));
    this.#askOpen();
  }

  /** A node was removed; what nobody else holds is forgotten. */
  forget(node: Pick<KnownNode, "url">): void {
    this.#cancel(this.#held.remove(node));
  }

  /**
   * Weighs a model of our own store by its file.
   *
   * @returns `undefined` if the file cannot be read or is no model: that is logged, and for who loads it to tell.
   * @throws The signal's reason.
   */
  learnStored(model: ResolvedModel, signal: AbortSignal): Promise<ModelNeed | undefined> {
    return this.#stored.learn(model, signal);
  }

  /**
   * What a model takes, by the best source that is known now. Our own file counts where it is the very model that is meant,
   * or no node has one of that name; where one name means several models on several nodes, the largest does.
   *
   * @param key Canonical key of the model.
   * @param digest Of its manifest, hex, if one of several is meant.
   * @returns `undefined` if not even its name tells.
   */
  needOf(key: string, digest?: string): ModelNeed | undefined {
    const stored = this.#stored.get(key);
    if (digest && stored?.digest === digest) return stored.need;
    const held = this.#held.withKey(key);
    const meant = held.filter((model) => digest !== undefined && digest !== "" && model.digest === digest);
    const needs = (meant.length > 0 ? meant : held).map((model) =>
      stored?.digest !== undefined && stored.digest === model.digest ? stored.need : model.need
    );
    return largest(needs) ?? stored?.need ?? this.#guess(key);
  }

  /** Ends what is under way, and asks no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#alarm[Symbol.dispose]();
    await this.#queue[Symbol.asyncDispose]();
  }

  #guess(key: string): ModelNeed | undefined {
    const known = this.#guesses.get(key);
    if (known || this.#guesses.has(key)) return known;
    if (this.#guesses.size >= MAX_GUESSES) this.#guesses.clear();
    const guess = guessNeed(key);
    this.#guesses.set(key, guess);
    return guess;
  }

  #cancel(models: readonly HeldModel[]): void {
    for (const model of models) this.#queue.cancel(model);
  }

  /** Has all asked for of which more can be learned now, and looks again when more may be. */
  #askOpen(): void {
    const nowMs = this.#clock.monotonic();
    for (const model of this.#held.models) {
      if (!model.isOpen) continue;
      const holder = holderToAsk(model, nowMs);
      // A node that failed may hang: its second tries are to leave room for others.
      if (holder) void this.#queue.ask(model, { isQuick: holder.failureCount === 0, isUrgent: false });
      else this.#alarm.ringBy(nextLookMs(model, nowMs));
    }
  }

  async #ask(model: HeldModel, signal: AbortSignal): Promise<void> {
    const holder = holderToAsk(model, this.#clock.monotonic());
    if (!holder) return this.#alarm.ringBy(nextLookMs(model, this.#clock.monotonic()));
    const name = model.places.get(holder)!;
    try {
      const finding = await fetchShown(holder.node, name, { http: this.#http, clock: this.#clock, signal });
      signal.throwIfAborted();
      // Else the node has gone, or holds something else by now: others may tell.
      if (model.places.get(holder) === name) this.#take(model, holder, finding);
    } catch (error) {
      if (signal.aborted) return; // nobody holds it any more
      this.#logger.error("model need not learned", { node: holder.node.name, model: name, error });
      if (model.places.has(holder)) model.useless.add(holder);
    }
    if (model.isOpen) this.#alarm.ringBy(nextLookMs(model, this.#clock.monotonic()));
  }

  #take(model: HeldModel, holder: Holder, finding: ShowFinding): void {
    if (finding.shown) this.#shown(model, holder, finding.shown);
    else this.#inVain(model, holder, finding);
  }

  #shown(model: HeldModel, holder: Holder, shown: ShownModel): void {
    const name = model.places.get(holder)!;
    const { content, params, parameterCount } = shown;
    const weightBytes = model.sizeBytes;
    const told = parameterCount ?? model.need?.parameterCount;
    const need = needOfContent(content, { name, params, weightBytes, parameterCount: told, source: "show" });
    if (!need) return this.#inVain(model, holder, SENSELESS);
    holder.failureCount = 0;
    model.shown = need;
    this.#logger.debug("model need learned", { node: holder.node.name, model: name, needBytes: need.bytes });
  }

  #inVain(
    model: HeldModel,
    holder: Holder,
    { isLasting, reason }: { isLasting: boolean; reason: string },
  ): void {
    const { name } = holder.node;
    this.#logger.debug("model not shown", { node: name, model: model.places.get(holder), reason });
    if (isLasting) {
      model.useless.add(holder);
      return;
    }
    holder.failureCount++;
    holder.pausedUntilMs = this.#clock.monotonic() + backOffMs(holder.failureCount, this.#random());
  }
}

const SENSELESS = { isLasting: true, reason: "what it shows is no model that could be run" };

/** One that is up, was not asked in vain, and is not left alone just now. */
function holderToAsk(model: HeldModel, nowMs: number): Holder | undefined {
  for (const holder of model.places.keys()) {
    if (mayTell(model, holder) && holder.pausedUntilMs <= nowMs) return holder;
  }
  return undefined;
}

/** When a node's pause is over, or one may be up again. */
function nextLookMs(model: HeldModel, nowMs: number): number {
  let nextMs = nowMs + LOOK_AGAIN_MS;
  for (const holder of model.places.keys()) {
    if (mayTell(model, holder)) nextMs = Math.min(nextMs, holder.pausedUntilMs);
  }
  return nextMs;
}

function mayTell(model: HeldModel, holder: Holder): boolean {
  return holder.node.health === "up" && !model.useless.has(holder);
}

function largest(needs: readonly (ModelNeed | undefined)[]): ModelNeed | undefined {
  const known = needs.filter((need) => need !== undefined);
  return known.length === 0 ? undefined : known.reduce((one, other) => other.bytes > one.bytes ? other : one);
}
