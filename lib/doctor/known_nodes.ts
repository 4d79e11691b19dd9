import type { OllamaNodeConfig } from "../config/config.ts";
import type { Secrets } from "../config/secrets.ts";
import type { NodeSummary } from "../nodes/node.ts";

/** An Ollama node that somebody named. */
export interface NamedOllama {
  /** As `parseNodeUrl()` writes it. */
  readonly url: string;
  /** The key that it asks for. */
  readonly apiKey: Secrets | undefined;
  /** Whether it may sleep, since it can be woken. */
  readonly canWake: boolean;
}

/** Who names nodes. */
export interface NodeNamings {
  /** Of the configuration. */
  readonly configured: readonly Pick<OllamaNodeConfig, "url" | "apiKey" | "wake">[];
  /** URLs of the state directory. */
  readonly stored: readonly string[];
  /** Of `OLLAMA_HOST`; `undefined` for none. */
  readonly ofEnvironment: string | undefined;
  /** Of the gateway that runs. */
  readonly views: readonly Pick<NodeSummary, "url" | "aliases" | "canWake">[];
}

/** All that were named, each once; what the gateway knows to be two URLs of one counts as one. */
export function namedOllamas({ configured, stored, ofEnvironment, views }: NodeNamings): NamedOllama[] {
  const aliases = new Set(views.flatMap((view) => view.aliases));
  const known = new Map<string, NamedOllama>();
  const add = (url: string, canWake: boolean, apiKey?: Secrets) => {
    if (known.has(url) || aliases.has(url)) return;
    known.set(url, { url, apiKey, canWake });
  };
  for (const { url, apiKey, wake } of configured) add(url, wake !== undefined, apiKey);
  for (const { url, canWake } of views) add(url, canWake);
  for (const url of [...stored, ...ofEnvironment === undefined ? [] : [ofEnvironment]]) add(url, false);
  return [...known.values()];
}
