import { backOffMs } from "../back_off.ts";
import { GatewayError } from "../errors.ts";
import { parseUpstreamUrl, type UpstreamAddress } from "../http/address.ts";
import type { HeaderList } from "../http/headers.ts";
import { listNames } from "../name_list.ts";
import { toWanted } from "../ollama/model_source.ts";
import { formatDuration } from "../units.ts";
import type { ExternalFinding, ExternalTarget } from "./external_check.ts";
import { type ExternalCandidate, loadOf } from "./external_choice.ts";
import { type ExternalSettings, isSameExternal, keyOf } from "./external_settings.ts";
import { Silence } from "./external_silence.ts";

/** How a coordinator of others is, and why that is known. */
export interface ExternalHealth {
  /** `unknown` until it was asked once; `loading`: its process runs, its model is not there yet. */
  readonly health: "unknown" | "up" | "loading" | "down";
  /** One sentence for a person, also when it is up. */
  readonly reason: string;
}

/** What a decision needs to know of a coordinator of others. */
export interface ExternalFacts extends ExternalHealth {
  /** As it was configured. */
  readonly url: string;
  /** Canonical keys of the models that it serves, as far as it is known. */
  readonly modelKeys: ReadonlySet<string>;
  /** Whether it may serve more than that: it goes by its own list, and has not told it yet. */
  readonly mayServeMore: boolean;
}

/** A coordinator of others, for people. */
export interface ExternalView extends ExternalHealth {
  /** As it was configured. */
  readonly url: string;
  /** Names of the models that it serves, as far as it is known. */
  readonly models: readonly string[];
  /** Requests of ours that it is at work on. */
  readonly inFlightCount: number;
  /** Requests that it computes at once, if it told. */
  readonly slotCount: number | undefined;
  /** Since when that is known, ms ago; `undefined` while it is not. */
  readonly ageMs: number | undefined;
}

/** Between two checks of one that is up, ms; ±10 %. */
const UP_PAUSE_MS = 10_000;
/** Until one is asked again that loads, or that was silent for once, ms. */
const SOON_MS = 1_000;
/** Names that a sentence tells. */
const TOLD_NAMES = 5;

/**
 * All that is known of one llama-server that somebody else starts and stops. A record: whoever keeps it says what is
 * learnt, and asks when the next check is due.
 */
export class ExternalCoordinator implements ExternalTarget, ExternalCandidate {
  /** As it was configured, for people. */
  readonly url: string;
  /** Where it listens. */
  readonly address: UpstreamAddress;
  /** Path that stands before every target; often empty. */
  readonly basePath: string;
  /** Requests of ours that it is at work on, each as what ends the waiting for it; kept by their leases. */
  readonly requests: Set<AbortController> = new Set();
  /** The higher, the later it was chosen last. */
  lastTurn = 0;
  /** On the monotonic clock; not before it is time. */
  nextCheckMs = 0;
  #settings: ExternalSettings;
  #health: ExternalHealth = { health: "unknown", reason: "it was not asked yet; ask again in a moment" };
  #listed: readonly string[] | undefined;
  #models: readonly string[] = [];
  #facts: ExternalFacts;
  #slotCount: number | undefined;
  #knownMs: number | undefined;
  #failureCount = 0;
  #wasSilent = false;
  readonly #silence = new Silence();

  /**
   * Its health is `unknown`.
   *
   * @throws {RangeError} If the URL is no upstream's.
   */
  constructor(settings: ExternalSettings) {
    const { address, basePath } = parseUpstreamUrl(settings.url);
    this.url = settings.url;
    this.address = address;
    this.basePath = basePath;
    this.#settings = settings;
    this.#facts = this.#summed();
  }

  /** Headers that every request carries: its API key, which is shown nowhere. */
  get headers(): HeaderList {
    const key = keyOf(this.#settings);
    return key === undefined ? [] : [["authorization", `Bearer ${key}`]];
  }

  /** What a decision needs. One object until something changes. */
  get facts(): ExternalFacts {
    return this.#facts;
  }

  /** Names of the models that it serves, the operator's own first. */
  get models(): readonly string[] {
    return this.#models;
  }

  /** Requests of ours that it is at work on. */
  get inFlightCount(): number {
    return this.requests.size;
  }

  /** Requests that it computes at once, if it told. */
  get slotCount(): number | undefined {
    return this.#slotCount;
  }

  /** How old what is known is, ms; `undefined` if nothing is. */
  ageMs(nowMs: number): number | undefined {
    return this.#knownMs === undefined ? undefined : Math.round(nowMs - this.#knownMs);
  }

  /** Whether it answered quickly the last time. */
  get isQuick(): boolean {
    return this.#health.health === "up" || this.#health.health === "loading";
  }

  /** For people. */
  view(nowMs: number): ExternalView {
    return {
      url: this.url,
      ...this.#health,
      models: this.#models,
      inFlightCount: this.inFlightCount,
      slotCount: this.#slotCount,
      ageMs: this.ageMs(nowMs),
    };
  }

  /** Takes what a check found. One that was up is not given up for one silence: it may be busy. */
  learn(finding: ExternalFinding, nowMs: number, random: number): void {
    const isFirstSilence = finding.health === "down" && finding.cause === "silent" &&
      !this.#wasSilent && this.#health.health === "up";
    this.#wasSilent = isFirstSilence;
    if (isFirstSilence) {
      this.nextCheckMs = nowMs + SOON_MS;
      return;
    }
    this.#knownMs = nowMs;
    this.#failureCount = finding.health === "down" ? this.#failureCount + 1 : 0;
    this.#silence.learn(finding, nowMs);
    this.nextCheckMs = this.#nextCheckMs(finding, nowMs, random);
    if (finding.health !== "up") return this.#become(finding);
    this.#listed = finding.listed;
    this.#slotCount = finding.slotCount ?? this.#slotCount;
    this.#become({ health: "up", reason: this.#service() });
  }

  /** Learns from use that it answers. What it serves is not known anew. */
  answered(nowMs: number): void {
    this.#knownMs = nowMs;
    this.#failureCount = 0;
    this.#wasSilent = false;
    this.#silence.end();
    this.nextCheckMs = nowMs;
    this.#become({ health: "up", reason: "it answers requests" });
  }

  /** Learns that something of an answer has come. */
  heard(nowMs: number): void {
    this.#silence.heard(nowMs);
  }

  /** What to tell the requests that it has, if they are not to be waited for any longer. */
  lossAt(nowMs: number): GatewayError | undefined {
    if (nowMs < this.#lostMs) return undefined;
    const silence = formatDuration(nowMs - this.#silence.sinceMs);
    return new GatewayError(
      "upstream_timeout",
      `No answer came from ${this.url}, and nothing was heard of it for ${silence}: ${this.#health.reason}`,
    );
  }

  /** Takes other settings of the same URL. @returns Whether it is to be asked anew for them. */
  configure(settings: ExternalSettings): boolean {
    const isSame = isSameExternal(this.#settings, settings);
    this.#settings = settings;
    if (isSame) return false;
    this.#facts = this.#summed();
    return true;
  }

  #become({ health, reason }: ExternalHealth): void {
    this.#health = { health, reason };
    this.#facts = this.#summed();
  }

  #summed(): ExternalFacts {
    const { model, usesList } = this.#settings;
    const listed = usesList ? this.#listed ?? [] : [];
    this.#models = [...new Set(model === undefined ? listed : [model, ...listed])];
    return {
      url: this.url,
      ...this.#health,
      modelKeys: new Set(this.#models.map((name) => toWanted(name).key)),
      mayServeMore: usesList && this.#listed === undefined,
    };
  }

  #service(): string {
    const { model, usesList } = this.#settings;
    const own = listNames(this.#listed ?? [], TOLD_NAMES) || "no model";
    return usesList || model === undefined ? `it serves ${own}` : `it is used for ${model}; it lists ${own}`;
  }

  /**
   * When the requests that it has are given up. A llama-server that has more of them than threads answers no check, and
   * is at work: each round of requests that its slots would need has its time.
   */
  get #lostMs(): number {
    return this.#silence.sinceMs + this.#settings.lostAfterMs * Math.max(1, loadOf(this));
  }

  /** Whether its requests are given up is decided by a check of that moment. */
  #nextCheckMs(finding: ExternalFinding, nowMs: number, random: number): number {
    const nextMs = nowMs + this.#pauseMs(finding, nowMs, random);
    const isWaitedFor = this.inFlightCount > 0 && this.#lostMs > nowMs;
    return isWaitedFor ? Math.min(nextMs, this.#lostMs) : nextMs;
  }

  #pauseMs(finding: ExternalFinding, nowMs: number, random: number): number {
    if (finding.health === "up") return UP_PAUSE_MS * (0.9 + 0.2 * random);
    if (finding.health === "loading") return SOON_MS;
    const isSilent = finding.cause === "silent";
    return isSilent ? this.#silence.pauseMs(nowMs, random) : backOffMs(this.#failureCount, random);
  }
}
