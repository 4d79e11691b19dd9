/** Conversations that are remembered; the one that was heard of longest ago is forgotten first. */
const MAX_CONVERSATIONS = 10_000;

/**
 * Which node answered which conversation last. It has the conversation's beginning in its cache, so that it need not read
 * all of it again.
 */
export class ConversationAffinity {
  /** By model and turn; the order is that of their last use. */
  readonly #nodes = new Map<string, string>();

  /**
   * The node that answered the longest beginning of a conversation.
   *
   * @param key Canonical key of the model.
   * @param turns See `conversationTurns`.
   */
  find(key: string, turns: readonly string[]): string | undefined {
    for (let at = turns.length - 1; at >= 0; at--) {
      const node = this.#nodes.get(placeOf(key, turns[at]!));
      if (node !== undefined) return node;
    }
    return undefined;
  }

  /** Takes note of who answers a conversation now. */
  remember(key: string, turns: readonly string[], node: string): void {
    const last = turns.at(-1);
    if (last === undefined) return;
    const place = placeOf(key, last);
    this.#nodes.delete(place);
    this.#nodes.set(place, node);
    if (this.#nodes.size <= MAX_CONVERSATIONS) return;
    const [oldest] = this.#nodes.keys();
    this.#nodes.delete(oldest!);
  }
}

function placeOf(key: string, turn: string): string {
  return `${turn} ${key}`;
}
