import { displayName } from "../ollama/model_name.ts";
import { toWanted } from "../ollama/model_source.ts";

/** A canonical key as people write the name: `llama3.1:8b`. */
export function nameOfKey(key: string): string {
  const { name } = toWanted(key);
  return name ? displayName(name) : key;
}
