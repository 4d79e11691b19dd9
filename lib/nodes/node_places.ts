import { mapConcurrently } from "../concurrent.ts";
import type { IdentifyNode, NodeIdentity } from "./node_identity.ts";

/** URLs that are looked up at the same time. */
const CONCURRENCY = 64;

/** Where the URLs of nodes lead, as far as that was found out. */
export class NodePlaces {
  /** `undefined` where the name never had an address. */
  readonly #identities = new Map<string, NodeIdentity | undefined>();
  readonly #faulty = new Set<string>();

  /**
   * Knows nothing yet.
   *
   * @param onFault Called when it cannot be found out where a URL leads, and not again for it until that worked. Must not
   *   throw.
   */
  constructor(
    private readonly identify: IdentifyNode,
    private readonly onFault: (url: string, error: unknown) => void = () => {},
  ) {}

  /**
   * Finds out where a URL leads, and keeps nothing; `undefined` if nobody can tell at present, for want of file
   * descriptors, for example.
   *
   * @throws The signal's reason.
   */
  async find(url: string, signal: AbortSignal): Promise<NodeIdentity | undefined> {
    try {
      const identity = await this.identify(url, { signal });
      this.#faulty.delete(url);
      return identity;
    } catch (error) {
      signal.throwIfAborted();
      if (!this.#faulty.has(url)) this.onFault(url, error);
      this.#faulty.add(url);
      return undefined;
    }
  }

  /** Keeps where a URL leads. One of which nobody can tell at present keeps what was known. */
  put(url: string, identity: NodeIdentity | undefined): void {
    this.#identities.set(url, identity ?? this.#identities.get(url));
  }

  /** Finds out where URLs lead, and keeps it. @throws The signal's reason. */
  async learn(urls: readonly string[], signal: AbortSignal): Promise<void> {
    await mapConcurrently(urls, CONCURRENCY, async (url) => this.put(url, await this.find(url, signal)));
  }

  /** Whether it was tried to find out where a URL leads. */
  has(url: string): boolean {
    return this.#identities.has(url);
  }

  /** Where a URL leads; `undefined` if nobody knows. */
  of(url: string): NodeIdentity | undefined {
    return this.#identities.get(url);
  }

  /** Equal for URLs that lead to the same Ollama; the URL itself where nobody knows. */
  serverOf(url: string): string {
    return this.of(url)?.server ?? url;
  }

  /** Whether a URL may lead elsewhere by now: a name, or an address of this host, where something else may listen. */
  mayChange(url: string): boolean {
    const identity = this.of(url);
    if (identity === undefined || identity.isLocal) return true;
    return new URL(url).hostname.replace(/^\[(.*)\]$/, "$1") !== identity.address;
  }

  /** Forgets all but these URLs. */
  keepOnly(urls: readonly string[]): void {
    const kept = new Set(urls);
    for (const known of [this.#identities, this.#faulty]) {
      for (const url of [...known.keys()].filter((url) => !kept.has(url))) known.delete(url);
    }
  }
}
