import { mapConcurrently } from "../concurrent.ts";
import type { IdentifyNode, NodeIdentity } from "./node_identity.ts";

/** URLs that are looked up at the same time. */
const CONCURRENCY = 64;

/** Where the URLs of nodes lead, as far as that was found out. */
export class NodePlaces {
  /** `undefined` where the name never had an address. */
  readonly #identities = new Map<string, NodeIdentity | undefined>();

  /** Knows nothing yet. */
  constructor(private readonly identify: IdentifyNode) {}

  /** Finds out where a URL leads, and keeps nothing. @throws The signal's reason. */
  async find(url: string, signal: AbortSignal): Promise<NodeIdentity | undefined> {
    return await this.identify(url, { signal });
  }

  /** Keeps where a URL leads. One whose name has no address at present keeps the one that it had. */
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
    for (const url of [...this.#identities.keys()]) {
      if (!kept.has(url)) this.#identities.delete(url);
    }
  }
}
