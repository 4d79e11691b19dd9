import type { Clock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import { parseUpstreamUrl, type UpstreamAddress } from "../http/address.ts";
import type { HeaderList } from "../http/headers.ts";
import { formatDuration } from "../units.ts";
import { AllowedModels } from "./allowed_models.ts";
import { Breaker } from "./breaker.ts";
import type { BreakerState, KnownNode, NodeHealth, NodeModel, ResidentModel } from "./node.ts";
import type { NodeFinding } from "./node_check.ts";
import { NodeHoldings } from "./node_holdings.ts";
import { NodePause } from "./node_pause.ts";
import { NodePulse } from "./node_pulse.ts";
import { headersOf, type NodeSettings } from "./node_settings.ts";
import { NodeSpeed } from "./node_speed.ts";
import type { WakeTarget } from "./wake_target.ts";

const MAX_REASON_LENGTH = 300;

/**
 * All that is known of one Ollama node. A record: whoever keeps it says what is learnt, and sees to what follows. What a
 * decision reads costs nothing: it is reckoned when something changes.
 */
export class NodeRecord implements KnownNode {
  /** As it was configured. */
  readonly url: string;
  /** Where it listens. */
  readonly address: UpstreamAddress;
  /** Path that stands before every target; often empty. */
  readonly basePath: string;
  /** What live traffic says. */
  readonly traffic: Breaker = new Breaker();
  /** Whether it answers, and when it is asked. */
  readonly pulse: NodePulse = new NodePulse();
  /** What it holds, and has in memory. */
  readonly holdings: NodeHoldings = new NodeHoldings();
  /** How fast it is. */
  readonly speed: NodeSpeed = new NodeSpeed();
  /** What ends the waiting for each request of ours that it has, and the key of its model; kept by their leases. */
  readonly requests: Map<AbortController, string> = new Map();
  /** The higher, the later it was chosen last. */
  lastTurn = 0;
  /** Requests that it answered whole. */
  servedCount = 0;
  /** Requests that it failed. */
  failedCount = 0;
  readonly #clock: Clock;
  #settings: NodeSettings;
  #headers: HeaderList;
  #allowed: AllowedModels;
  #toldMemoryBytes: number | undefined;
  #isRemoved = false;
  #isSound = false;
  readonly #pause = new NodePause();
  #version: string | undefined;
  #lastFailure = "";

  /**
   * Its health is `unknown`.
   *
   * @throws {RangeError} If its URL is no upstream's.
   */
  constructor(settings: NodeSettings, clock: Clock) {
    const { address, basePath } = parseUpstreamUrl(settings.url);
    this.url = settings.url;
    this.address = address;
    this.basePath = basePath;
    this.#clock = clock;
    this.#settings = settings;
    this.#headers = headersOf(settings);
    this.#allowed = new AllowedModels(settings.allowedModels);
  }

  /** Names it for people; unique. */
  get name(): string {
    return this.#settings.name;
  }

  /** Headers that every request carries: its API key, which is shown nowhere. */
  get headers(): HeaderList {
    return this.#headers;
  }

  /** Whether it runs on the host of this gateway. */
  get isLocal(): boolean {
    return this.#settings.isLocal;
  }

  /** Whether it answers its checks. */
  get health(): NodeHealth {
    return this.pulse.health;
  }

  /** Why, in a clause for a person. */
  get reason(): string {
    return this.pulse.reason;
  }

  /** What live traffic says. */
  get breaker(): BreakerState {
    return this.traffic.state;
  }

  /** Whether a request may go there for all that is known of its soundness. */
  get isSound(): boolean {
    return this.#isSound;
  }

  /** Why not, in a clause; `undefined` if it may. */
  get unsoundness(): string | undefined {
    if (this.#isSound) return undefined;
    const nowMs = this.#clock.monotonic();
    if (this.#isRemoved) return "it was removed, and finishes what it has";
    if (this.health === "unknown") return this.reason;
    if (this.health === "down") return `down: ${this.reason}`;
    if (this.#pause.isOn) return `paused for ${until(this.#pause.dueMs, nowMs)} at its own wish`;
    if (this.breaker === "half-open") return `on trial with one request: ${this.#lastFailure}`;
    return `left alone for ${until(this.traffic.dueMs, nowMs)} after failures: ${this.#lastFailure}`;
  }

  /** Requests of ours that it has. */
  get inFlightCount(): number {
    return this.requests.size;
  }

  /** Whether it has a request of ours for this model. */
  isServing(key: string): boolean {
    for (const served of this.requests.values()) if (served === key) return true;
    return false;
  }

  /** Most requests that it gets at a time. */
  get slotCount(): number {
    return this.#settings.slotCount;
  }

  /** How much more than others it is given. */
  get weight(): number {
    return this.#settings.weight;
  }

  /** What the operator calls it. */
  get tags(): readonly string[] {
    return this.#settings.tags;
  }

  /** Its memory for models, bytes: the operator's word, else that of the rpc backends on its host; `undefined` if nobody knows. */
  get memoryBytes(): number | undefined {
    return this.#settings.memoryBytes ?? this.#toldMemoryBytes;
  }

  /** What it holds, by canonical key. Another object once that has changed. */
  get models(): ReadonlyMap<string, NodeModel> {
    return this.holdings.models;
  }

  /** Whether it was ever asked what it holds, with success. */
  get wasAsked(): boolean {
    return this.holdings.isKnown;
  }

  /** What it has in memory, by canonical key. */
  get resident(): ReadonlyMap<string, ResidentModel> {
    return this.holdings.resident;
  }

  /** Memory that its resident models take, bytes. */
  get residentBytes(): number {
    return this.holdings.residentBytes;
  }

  /** Moving average of the time to the first token, ms; `undefined` until there was one. */
  get firstTokenMs(): number | undefined {
    return this.speed.firstTokenMs;
  }

  /** How it can be woken, if it can. */
  get wake(): WakeTarget | undefined {
    return this.#settings.wake;
  }

  /** Moving average of a model's tokens a second there; `undefined` until there was an answer. */
  tokensPerSecondOf(key: string): number | undefined {
    return this.speed.tokensPerSecondOf(key);
  }

  /** Whether the operator lets it serve this model. */
  allows(key: string): boolean {
    return this.#allowed.allows(key);
  }

  /** Whether it had too little memory for a model in the last ten minutes. */
  hasRefused(key: string): boolean {
    return this.holdings.mayHaveRefused && this.holdings.hasRefused(key, this.#clock.monotonic());
  }

  /** What is said of it by those who named it. */
  get settings(): NodeSettings {
    return this.#settings;
  }

  /** Ollama's own; `undefined` until it told. */
  get version(): string | undefined {
    return this.#version;
  }

  /** What its breaker last heard, in a sentence. */
  get lastFailure(): string {
    return this.#lastFailure;
  }

  /** When {@linkcode advance} has something to do, on the monotonic clock; `Infinity` for not before something else happens. */
  get dueMs(): number {
    return Math.min(this.traffic.dueMs, this.#pause.dueMs);
  }

  /** Takes other settings of the same URL; it is one of the nodes (again). @returns Whether it is asked in another way now. */
  configure(settings: NodeSettings): boolean {
    const keyBefore = this.#headers[0]?.[1];
    this.#settings = settings;
    this.#headers = headersOf(settings);
    this.#allowed = new AllowedModels(settings.allowedModels);
    this.#isRemoved = false;
    this.#judge();
    return keyBefore !== this.#headers[0]?.[1];
  }

  /** It is none of the nodes any more: it gets nothing new. */
  remove(): void {
    this.#isRemoved = true;
    this.#judge();
  }

  /** What the rpc backends on its host tell of its memory for models, bytes. @returns Whether that is something else than before. */
  tellMemory(bytes: number | undefined): boolean {
    const before = this.memoryBytes;
    this.#toldMemoryBytes = bytes;
    return this.memoryBytes !== before;
  }

  /** Time has passed. */
  advance(nowMs: number): void {
    this.traffic.advance(nowMs);
    this.#pause.advance(nowMs);
    this.#judge();
  }

  /** Takes what a check found. */
  learn(finding: NodeFinding, moment: Parameters<NodePulse["learn"]>[1]): void {
    const wasGone = this.pulse.cause === "unreachable";
    const summary = finding.health === "up" ? summaryOf(finding.listed.models.size, finding.version) : "";
    this.pulse.learn(finding, moment, summary);
    if (finding.health === "up") {
      this.#version = finding.version;
      this.holdings.learn(finding, moment.nowMs);
      this.speed.prune(finding.listed.models);
      if (wasGone) this.traffic.allowTrial(); // most likely another process than the one that failed
    } else if (finding.cause === "unreachable") this.holdings.forgetResident();
    this.#judge();
  }

  /** A request was failed. @param why In a sentence. */
  failed(why: string): void {
    this.failedCount++;
    this.#lastFailure = why.length > MAX_REASON_LENGTH ? `${why.slice(0, MAX_REASON_LENGTH)}…` : why;
  }

  /** What was said to {@linkcode traffic} or {@linkcode pulse} may make it sound or unsound. */
  settle(): void {
    this.#judge();
  }

  /** It is to be left alone for so long, ms; a longer pause that runs goes on. */
  pause(ms: number): void {
    this.#pause.begin(ms, this.#clock.monotonic());
    this.#judge();
  }

  /** What to tell the requests that it has, if they are not to be waited for any longer. */
  lossAfter(stallMs: number): GatewayError | undefined {
    const silenceMs = this.pulse.silenceMs(this.#clock.monotonic());
    if (silenceMs === undefined || silenceMs < stallMs) return undefined;
    return new GatewayError(
      "upstream_timeout",
      `No answer came from node ${this.name}, and nothing was heard of it for ${
        formatDuration(silenceMs)
      }: ` +
        this.reason,
    );
  }

  #judge(): void {
    this.#isSound = !this.#isRemoved && this.health === "up" && !this.#pause.isOn &&
      this.traffic.mayPass;
  }
}

function summaryOf(modelCount: number, version: string): string {
  return `it answers; Ollama ${version} with ${modelCount} ${modelCount === 1 ? "model" : "models"}`;
}

function until(thenMs: number, nowMs: number): string {
  return formatDuration(Math.max(0, thenMs - nowMs));
}
