import type { Clock } from "../clock.ts";
import { parseUpstreamUrl } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import type { NodeView } from "./node.ts";
import { checkNode } from "./node_check.ts";
import { OLLAMA_PORT } from "./node_url.ts";

/** Where an Ollama on this host listens that nobody told otherwise. */
export const LOCAL_URL: string = `http://127.0.0.1:${OLLAMA_PORT}`;

/** For how long it is missed before it is let go, ms: an update of Ollama takes less, and whoever watches has seen it. */
const MISSED_MS = 5 * 60_000;

/** What {@linkcode LocalOllama} works with. */
export interface LocalOllamaParts {
  /** Asks it; stays the caller's. */
  readonly http: Pick<HttpClient, "send">;
  /** Time. */
  readonly clock: Clock;
}

/** The Ollama of this host that nobody named: there is one from its first answer until it was gone for 5 minutes. */
export class LocalOllama {
  #isFound = false;
  #goneSinceMs: number | undefined;

  /** Asks nobody yet. */
  constructor(private readonly parts: LocalOllamaParts) {}

  /** Whether there is one. */
  get isFound(): boolean {
    return this.#isFound;
  }

  /**
   * Asks whether there is one. Whatever else listens there, a sollol gateway among them, is none.
   *
   * @returns {@linkcode isFound}
   * @throws The signal's reason.
   */
  async find(signal: AbortSignal): Promise<boolean> {
    const finding = await checkNode({ ...parseUpstreamUrl(LOCAL_URL), headers: [] }, {
      ...this.parts,
      signal,
    });
    this.#goneSinceMs = undefined;
    return this.#isFound = finding.health === "up";
  }

  /**
   * Takes how the one that was found is now; call it from time to time.
   *
   * @returns Whether it was let go by that: it has been down all the time for 5 minutes, and serves nothing.
   */
  letGo(view: Pick<NodeView, "health" | "inFlightCount"> | undefined): boolean {
    const nowMs = this.parts.clock.monotonic();
    const isGone = view?.health === "down" && view.inFlightCount === 0;
    this.#goneSinceMs = isGone ? this.#goneSinceMs ?? nowMs : undefined;
    if (this.#goneSinceMs === undefined || nowMs - this.#goneSinceMs < MISSED_MS) return false;
    this.#isFound = false;
    return true;
  }
}
