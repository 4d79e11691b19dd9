/** Of a message so much is looked at, characters from its beginning and from its end: prompts may be megabytes. */
const LOOKED_AT = 4_096;
/** More beginnings of one conversation are not told apart. */
const MAX_TURNS = 256;

/**
 * Stands for each beginning of a conversation: after each message one text, made of all messages up to it. Whoever
 * answered the beginning has it in its cache, so that a request that goes on from there is cheapest at the same place.
 *
 * @returns At most 256, those of the last messages; for the same messages the same, for others almost surely not.
 */
export function conversationTurns(messages: readonly { readonly [key: string]: unknown }[]): string[] {
  const turns: string[] = [];
  let [high, low] = [0x9e3779b9, 0x243f6a88];
  for (const { role, content } of messages) {
    const text = `${String(role)}\0${
      excerpt(typeof content === "string" ? content : JSON.stringify(content) ?? "")
    }`;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      high = Math.imul(high ^ code, 0x85ebca6b);
      low = Math.imul(low ^ code, 0xc2b2ae35);
    }
    high ^= low >>> 15;
    low ^= high >>> 13;
    turns.push((high >>> 0).toString(36) + (low >>> 0).toString(36));
  }
  return turns.slice(-MAX_TURNS);
}

function excerpt(text: string): string {
  if (text.length <= 2 * LOOKED_AT) return text;
  return `${text.slice(0, LOOKED_AT)}\0${text.length}\0${text.slice(-LOOKED_AT)}`;
}
