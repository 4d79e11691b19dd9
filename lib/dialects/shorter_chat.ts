import type { ChatMessage } from "./chat.ts";

/** Counted for a picture or a sound, characters: about 768 tokens, as Ollama reckons. */
const MEDIA_LENGTH = 3_072;
/** Of a message's frame in the prompt, characters. */
const FRAME_LENGTH = 16;

/** How far a chat is too long, as whoever refused it says. */
export interface TooLong {
  /** Tokens of the prompt. */
  readonly promptTokens: number;
  /** Tokens that it may have. */
  readonly wantedTokens: number;
}

/**
 * The same chat without its oldest messages, so that it has about as many tokens as wanted. All system messages stay, and
 * the last message; a tool's result goes with its call.
 *
 * @returns At least one message less; `undefined` if there is nothing to leave out.
 */
export function shorterChat(
  messages: readonly ChatMessage[],
  { promptTokens, wantedTokens }: TooLong,
): readonly ChatMessage[] | undefined {
  const lengths = messages.map(lengthOf);
  const length = lengths.reduce((sum, each) => sum + each, 0);
  let excess = length * (1 - wantedTokens / promptTokens);
  const left = new Set<number>();
  for (const turn of turnsOf(messages).slice(0, -1)) {
    if (left.size > 0 && excess <= 0) break;
    for (const index of turn) {
      left.add(index);
      excess -= lengths[index]!;
    }
  }
  return left.size === 0 ? undefined : messages.filter((_, index) => !left.has(index));
}

/** Indices of the messages that go together, system messages left out: a call and its results, or one message. */
function turnsOf(messages: readonly ChatMessage[]): number[][] {
  const turns: number[][] = [];
  let follows = false;
  for (const [index, { role }] of messages.entries()) {
    if (role === "system") continue;
    if (role === "tool" && follows) turns.at(-1)!.push(index);
    else turns.push([index]);
    follows = role === "assistant" || role === "tool";
  }
  return turns;
}

function lengthOf({ content, reasoning = "", media, toolCalls }: ChatMessage): number {
  const calls = toolCalls.reduce(
    (sum, { name, argumentsJson }) => sum + name.length + argumentsJson.length,
    0,
  );
  return FRAME_LENGTH + content.length + reasoning.length + calls + media.length * MEDIA_LENGTH;
}
