/** What a tokenizer may add to a text: its special tokens, and a space before it, byte by byte. */
const ADDED_TOKENS = 8;
/** Ollama's own, where the client says nothing. */
const KEEP = 4;

const encoder = new TextEncoder();

/**
 * Whether a text may have as many tokens as a context, or more: no token is shorter than a byte.
 *
 * @param contextSize `undefined`: nobody knows, which is no.
 */
export function mayExceed(text: string, contextSize: number | undefined): boolean {
  if (contextSize === undefined || 3 * text.length + ADDED_TOKENS < contextSize) return false;
  return encoder.encode(text).byteLength + ADDED_TOKENS >= contextSize;
}

/**
 * Of a prompt that fills the context or more, its first tokens and as many of its last that half of the other room is left
 * for the answer, as Ollama does it.
 *
 * @param keep How many of the first ones stay, beside the one that begins every text; default 4, below 0 as many as can.
 * @see `truncate` in llm/llama_server.go, ollama 0.33
 */
export function cutInTheMiddle(
  tokens: readonly number[],
  { contextSize, keep = KEEP }: { readonly contextSize: number; readonly keep?: number | undefined },
): number[] {
  const most = Math.floor(contextSize / 2) - 1;
  const kept = keep < 0 ? most : Math.min(keep, most);
  return [...tokens.slice(0, kept + 1), ...tokens.slice(-Math.floor((contextSize - kept) / 2))];
}
