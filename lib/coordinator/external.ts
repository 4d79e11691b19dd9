import { backOffMs } from "../back_off.ts";
import { parseUpstreamUrl, type UpstreamAddress } from "../http/address.ts";
import type { HeaderList } from "../http/headers.ts";
import { toWanted } from "../ollama/model_source.ts";
import type { ExternalFinding, ExternalTarget } from "./external_check.ts";
import type { ExternalCandidate } from "./external_choice.ts";
import { type ExternalSettings, isSameExternal, keyOf } from "./external_settings.ts";

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
  /** Requests of ours that it is at work on; counted by their leases. */
  inFlightCount = 0;
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
    const isFirstSilence = finding.health === "down" && finding.isSilent && !this.#wasSilent &&
      this.#health.health === "up";
    this.#wasSilent = isFirstSilence;
    if (isFirstSilence) {
      this.nextCheckMs = nowMs + SOON_MS;
      return;
    }
    this.#knownMs = nowMs;
    this.#failureCount = finding.health === "down" ? this.#failureCount + 1 : 0;
    this.nextCheckMs = nowMs + this.#pauseMs(finding.health, random);
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
    this.nextCheckMs = nowMs;
    this.#become({ health: "up", reason: "it answers requests" });
  }

  /** Takes other settings of the same URL. @returns Whether they say anything else. */
  configure(settings: ExternalSettings): boolean {
    if (isSameExternal(this.#settings, settings)) return false;
    this.#settings = settings;
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
    const own = told(this.#listed ?? []);
    return usesList || model === undefined ? `it serves ${own}` : `it is used for ${model}; it lists ${own}`;
  }

  #pauseMs(health: ExternalFinding["health"], random: number): number {
    if (health === "up") return UP_PAUSE_MS * (0.9 + 0.2 * random);
    return health === "loading" ? SOON_MS : backOffMs(this.#failureCount, random);
  }
}

function told(names: readonly string[]): string {
  if (names.length === 0) return "no model";
  const rest = names.length - TOLD_NAMES;
  return names.slice(0, TOLD_NAMES).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
