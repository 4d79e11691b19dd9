/**
 * What a llama-server tells of itself, as clients may read it: without where files lie on its host, keys, and what other
 * clients asked.
 */
export function shownFacts(value: unknown): unknown {
  return shown(value, HIDDEN);
}

function shown(value: unknown, hidden: RegExp): unknown {
  if (Array.isArray(value)) return value.map((item) => shown(item, HIDDEN_IN_LISTS));
  if (typeof value !== "object" || value === null) return value;
  const visible = Object.entries(value).filter(([key]) => !hidden.test(key));
  return Object.fromEntries(visible.map(([key, inner]) => [key, shown(inner, HIDDEN)]));
}

/** Such as `model_path`, `slot_save_path`, `api_key`; and the texts in a slot, where a server tells them. */
const HIDDEN = /(?:^|_)(?:path|paths|file|files|dir|key|keys|prompt|generated)$/;
/** What stands in a list is a slot, whose `params` are a request's: its schema, its stops, its grammar. Elsewhere they are defaults. */
const HIDDEN_IN_LISTS = new RegExp(`${HIDDEN.source}|^params$`);
