import type { Logger } from "../log.ts";
import { ConflictLog } from "./conflict_log.ts";
import { ModelHolders } from "./model_holders.ts";
import type { NodeModel } from "./node.ts";
import type { NodeRecord } from "./node_record.ts";

/** Who holds what among the nodes, of whom that is not known, and where two hold different models of one name. */
export class KnownHolders {
  readonly #holders = new ModelHolders<NodeRecord>();
  readonly #conflicts: ConflictLog;
  /** Those whose list has been compared with those of others. */
  readonly #compared = new WeakSet<NodeRecord>();
  #nodes: readonly NodeRecord[] = [];
  #unasked: readonly NodeRecord[] = [];

  /** Knows no node; the log gets a line for each conflict. */
  constructor(logger: Logger) {
    this.#conflicts = new ConflictLog(logger);
  }

  /** Those that were never asked what they hold, in the order of the nodes. */
  get unasked(): readonly NodeRecord[] {
    return this.#unasked;
  }

  /** Those that hold a model, in the order of the nodes. */
  of(key: string): readonly NodeRecord[] {
    return this.#holders.of(key);
  }

  /** Takes other nodes, with what they hold now. */
  replace(nodes: readonly NodeRecord[]): void {
    this.#nodes = nodes;
    this.#findUnasked();
    this.#holders.replace(nodes);
    this.#compare(this.#conflicts.keys);
  }

  /** One of the nodes holds something else than before. */
  update(node: NodeRecord, before: ReadonlyMap<string, NodeModel>): void {
    const changed = this.#holders.update(node, before);
    const isFirst = isListed(node) && !this.#compared.has(node);
    if (isFirst) this.#compared.add(node);
    this.#compare(isFirst ? [...new Set([...changed, ...node.models.keys()])] : changed);
    if (this.#unasked.length > 0) this.#findUnasked();
  }

  #findUnasked(): void {
    this.#unasked = this.#nodes.filter(({ wasAsked }) => !wasAsked);
  }

  /** What is only remembered from before a restart may be long out of date: nobody is warned for that. */
  #compare(keys: readonly string[]): void {
    this.#conflicts.look(keys, (key) => this.#holders.of(key).filter(isListed));
  }
}

function isListed({ holdings }: NodeRecord): boolean {
  return holdings.listed !== undefined;
}
