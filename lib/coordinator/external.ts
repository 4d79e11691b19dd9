import * as z from "zod";
import { type Clock, systemClock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { parseUpstreamUrl, type UpstreamAddress } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import { toWanted } from "../ollama/model_source.ts";

/** Health of an upstream: what is known, why, and since when. */
export interface ExternalHealth {
  /** `unknown` until it was asked once. */
  readonly health: "unknown" | "up" | "down";
  /** One sentence for a person, also when it is up. */
  readonly reason: string;
}

/** How {@linkcode ExternalCoordinator} asks. */
export interface ExternalCoordinatorOptions {
  /** As `parseUpstreamUrl` reads it. */
  url: string;
  /** Stays the caller's to dispose. */
  http: HttpClient;
  /** The operator's own name for the one model that it serves, if they gave one. */
  modelName?: string | undefined;
  /** Default: the host's. */
  clock?: Clock;
  /** For how long an answer is taken as true, ms. */
  freshMs?: number;
}

const modelList = z.looseObject({
  data: z.array(z.looseObject({ id: z.string(), aliases: z.array(z.string()).optional() })),
});

const TIMEOUT_MS = 2_000;
const MAX_LIST_BYTES = 4 * 1024 * 1024;

/**
 * A llama-server that somebody else started and stops: we ask what it serves, and send it nothing else.
 *
 * What is known is read at once; an old answer is refreshed behind, one request at a time.
 */
export class ExternalCoordinator {
  /** As it was configured, for people. */
  readonly url: string;
  /** Where it listens. */
  readonly address: UpstreamAddress;
  /** Path that stands before every target; often empty. */
  readonly basePath: string;
  #health: ExternalHealth = { health: "unknown", reason: "not asked yet" };
  #modelNames: readonly string[] = [];
  #modelKeys: ReadonlySet<string> = new Set();
  #checkedMs = -Infinity;
  #refreshing: Promise<void> | undefined;
  readonly #clock: Clock;
  readonly #freshMs: number;

  /**
   * Asks nothing yet: its health is `unknown` until the first {@linkcode refresh}.
   *
   * @throws {RangeError} If the URL is no upstream's.
   */
  constructor(private readonly options: ExternalCoordinatorOptions) {
    const { address, basePath } = parseUpstreamUrl(options.url);
    this.url = options.url;
    this.address = address;
    this.basePath = basePath;
    this.#clock = options.clock ?? systemClock;
    this.#freshMs = options.freshMs ?? 5_000;
  }

  /** What is known now; starts a refresh when it is old. */
  get facts(): ExternalHealth & { url: string; modelKeys: ReadonlySet<string> } {
    if (this.#clock.monotonic() - this.#checkedMs > this.#freshMs) void this.refresh();
    return { url: this.url, ...this.#health, modelKeys: this.#modelKeys };
  }

  /** What is known now. */
  get health(): ExternalHealth {
    return this.#health;
  }

  /** Names of the models that it said it serves. */
  get modelNames(): readonly string[] {
    return this.#modelNames;
  }

  /** Asks it for its models; joins a refresh under way. Never rejects: a failure is a result. */
  refresh(): Promise<void> {
    return this.#refreshing ??= this.#ask().then(
      (names) => this.#learn(names),
      (error) => this.reportFailure(messageOf(error)),
    ).finally(() => {
      this.#checkedMs = this.#clock.monotonic();
      this.#refreshing = undefined;
    });
  }

  /** Evidence from use: a request could not reach it. Overrules what was known. */
  reportFailure(reason: string): void {
    this.#health = { health: "down", reason };
  }

  #learn(names: string[]): void {
    this.#modelNames = names;
    this.#modelKeys = new Set(names.map((name) => toWanted(name).key));
    this.#health = { health: "up", reason: `serves ${names.join(", ") || "no model"}` };
  }

  async #ask(): Promise<string[]> {
    const response = await this.options.http.send(this.address, {
      method: "GET",
      target: `${this.basePath}/v1/models`,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.body.text(MAX_LIST_BYTES);
    if (response.status !== 200) throw new Error(`GET /v1/models answered ${response.status}`);
    const { data } = modelList.parse(JSON.parse(text));
    const names = data.flatMap(({ id, aliases = [] }) => [id, ...aliases]);
    const { modelName } = this.options;
    return [...new Set(modelName === undefined ? names : [modelName, ...names])];
  }
}
