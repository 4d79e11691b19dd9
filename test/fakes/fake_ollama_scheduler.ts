import type { FakeOllamaExchange } from "./fake_ollama_exchange.ts";
import type { KnownFakeModel } from "./fake_ollama_model.ts";

/** A model in the memory of a fake node. */
export interface ResidentFakeModel {
  readonly model: KnownFakeModel;
  /** When it is loaded, by `performance.now()`. */
  readonly readyAtMs: number;
  /** When it leaves if nobody asks, ms since 1970; `Infinity` for never. */
  expiresAtMs: number;
  /** Answers under way. */
  userCount: number;
}

/** What becomes of a request for a model. */
export type Admission = "granted" | "too_large" | "queue_full" | "gone";

/** As `OLLAMA_KEEP_ALIVE` is by default. */
export const DEFAULT_KEEP_ALIVE_MS = 300_000;
/** As `OLLAMA_MAX_QUEUE` is by default. */
const MAX_QUEUE = 512;

/** Memory and places of a fake node. A request waits until a place is free, and idle models have left for its own. */
export class FakeOllamaScheduler {
  /** By name; who was asked for last is last. */
  readonly #resident = new Map<string, ResidentFakeModel>();
  readonly #waiting: { model: KnownFakeModel; grant: () => void }[] = [];
  #runningCount = 0;

  /** A node of this memory, in bytes, that answers so many requests at a time; loading takes `loadMs`. */
  constructor(
    private readonly memoryBytes: number,
    private readonly parallel: number,
    private readonly loadMs: number,
  ) {}

  /** Takes a place and loads the model; to be given back by {@linkcode release} if it is granted. */
  async admit(model: KnownFakeModel, exchange: FakeOllamaExchange): Promise<Admission> {
    if (model.residentBytes > this.memoryBytes) return "too_large";
    if (this.#waiting.length > 0 || !this.#take(model)) {
      if (this.#waiting.length >= MAX_QUEUE) return "queue_full";
      if (!await this.#untilGranted(model, exchange)) return "gone";
    }
    const loadMs = this.#resident.get(model.name)!.readyAtMs - performance.now();
    if (loadMs > 0) await exchange.pause(loadMs);
    return "granted";
  }

  /** Gives the place back; the model stays so long. */
  release(model: KnownFakeModel, keepAliveMs: number): void {
    this.#runningCount--;
    const resident = this.#resident.get(model.name);
    if (resident !== undefined) {
      resident.userCount--;
      resident.expiresAtMs = Date.now() + keepAliveMs;
    }
    this.#grantWaiting();
  }

  /** Puts it into memory without a request, whether it fits or not. */
  load(model: KnownFakeModel, keepAliveMs: number): void {
    const userCount = this.#resident.get(model.name)?.userCount ?? 0;
    const expiresAtMs = Date.now() + keepAliveMs;
    this.#resident.set(model.name, { model, readyAtMs: 0, expiresAtMs, userCount });
  }

  /** Drops a model when it is idle; at once, if it is. */
  unload(name: string): void {
    const resident = this.#resident.get(name);
    if (resident?.userCount === 0) this.#resident.delete(name);
    else if (resident !== undefined) resident.expiresAtMs = 0;
  }

  /** What is in memory, the longest to stay first. */
  list(): ResidentFakeModel[] {
    this.#dropExpired();
    return [...this.#resident.values()].sort((a, b) => b.expiresAtMs - a.expiresAtMs);
  }

  #take(model: KnownFakeModel): boolean {
    if (this.#runningCount >= this.parallel) return false;
    this.#dropExpired();
    const resident = this.#resident.get(model.name) ?? this.#makeRoom(model);
    if (resident === undefined) return false;
    this.#resident.delete(model.name);
    this.#resident.set(model.name, resident);
    resident.userCount++;
    this.#runningCount++;
    return true;
  }

  /** Evicts idle models, the least recently asked for first; `undefined` if that does not do. */
  #makeRoom(model: KnownFakeModel): ResidentFakeModel | undefined {
    const idle = [...this.#resident.values()].filter(({ userCount }) => userCount === 0);
    for (const { model: { name } } of idle) {
      if (this.#usedBytes() + model.residentBytes <= this.memoryBytes) break;
      this.#resident.delete(name);
    }
    if (this.#usedBytes() + model.residentBytes > this.memoryBytes) return undefined;
    const expiresAtMs = Date.now() + DEFAULT_KEEP_ALIVE_MS;
    return { model, readyAtMs: performance.now() + this.loadMs, expiresAtMs, userCount: 0 };
  }

  #usedBytes(): number {
    let bytes = 0;
    for (const { model } of this.#resident.values()) bytes += model.residentBytes;
    return bytes;
  }

  #dropExpired(): void {
    const nowMs = Date.now();
    for (const [name, { userCount, expiresAtMs }] of this.#resident) {
      if (userCount === 0 && expiresAtMs <= nowMs) this.#resident.delete(name);
    }
  }

  /** @returns Whether it was; the client may have left. */
  async #untilGranted(model: KnownFakeModel, exchange: FakeOllamaExchange): Promise<boolean> {
    let isGranted = false;
    await exchange.wait((resolve) => {
      const waiting = { model, grant: () => (isGranted = true, resolve()) };
      this.#waiting.push(waiting);
      return () => {
        if (!isGranted) this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      };
    });
    return isGranted;
  }

  #grantWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#take(next.model); next = this.#waiting[0]) {
      this.#waiting.shift();
      next.grant();
    }
  }
}
