/**
 * What a llama-server tells of itself, as clients may read it: without where files lie on its host, keys, and what other
 * clients asked.
 */
export function shownFacts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shownFacts);
  if (typeof value !== "object" || value === null) return value;
  const shown = Object.entries(value).filter(([key]) => !HIDDEN.test(key));
  return Object.fromEntries(shown.map(([key, inner]) => [key, shownFacts(inner)]));
}

/** Such as `model_path`, `slot_save_path`, `api_key`; and the texts in a slot, where a server tells them. */
const HIDDEN = /(?:^|_)(?:path|paths|file|files|dir|key|keys|prompt|generated)$/;
