import type { NodeRecord } from "./node_record.ts";
import type { NodeSettings } from "./node_settings.ts";

/** Which records are those of nodes, and which of nodes that were removed and are at work for us still. */
export class NodeBook {
  #nodes: readonly NodeRecord[] = [];
  #byUrl: ReadonlyMap<string, NodeRecord> = new Map();
  readonly #leaving = new Map<string, NodeRecord>();

  /** Those of the last {@linkcode replace}, in its order. */
  get nodes(): readonly NodeRecord[] {
    return this.#nodes;
  }

  /** Those that are to be watched: the nodes, and those that leave. */
  get watched(): readonly NodeRecord[] {
    return [...this.#nodes, ...this.#leaving.values()];
  }

  /** The node with this URL, if there is one. */
  nodeAt(url: string): NodeRecord | undefined {
    return this.#byUrl.get(url);
  }

  /** Whether it is one of the nodes. */
  isNode(record: NodeRecord): boolean {
    return this.#byUrl.get(record.url) === record;
  }

  /** Whether it is one of the nodes, or leaves. */
  isWatched(record: NodeRecord): boolean {
    return this.isNode(record) || this.#leaving.get(record.url) === record;
  }

  /**
   * Takes another list. One that is known, or leaves, keeps its record; one that goes leaves for as long as it has requests.
   *
   * @param create Makes the record of one that is not known. If it throws, nothing has changed.
   * @returns The records that came, and those that went.
   */
  replace(
    list: readonly NodeSettings[],
    create: (settings: NodeSettings) => NodeRecord,
  ): { readonly came: readonly NodeRecord[]; readonly went: readonly NodeRecord[] } {
    const before = this.#nodes;
    const now = list.map((settings) => {
      const { url } = settings;
      return this.#byUrl.get(url) ?? this.#leaving.get(url) ?? create(settings);
    });
    const came = now.filter((record) => !this.isNode(record));
    this.#nodes = now;
    this.#byUrl = new Map(now.map((record) => [record.url, record]));
    const went = before.filter((record) => !this.isNode(record));
    for (const { url } of came) this.#leaving.delete(url);
    for (const record of went) if (record.inFlightCount > 0) this.#leaving.set(record.url, record);
    return { came, went };
  }

  /** One may have ended its last request: if it leaves, it is nobody's then. @returns Whether it is so. */
  releaseIdle(record: NodeRecord): boolean {
    const hasLeft = this.#leaving.get(record.url) === record && record.inFlightCount === 0;
    if (hasLeft) this.#leaving.delete(record.url);
    return hasLeft;
  }
}
