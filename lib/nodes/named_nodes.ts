import type { Secrets } from "../config/secrets.ts";
import { parseUpstreamUrl } from "../http/address.ts";
import type { NodeSource } from "./node.ts";
import { isReservedName, type NodeRegistration } from "./node_registration.ts";
import type { NodeSettings } from "./node_settings.ts";
import { OLLAMA_PORT } from "./node_url.ts";
import type { WakeTarget } from "./wake_target.ts";

/** One naming of a node: where somebody says that one is, and what they say of it. */
export interface NamedNode extends NodeRegistration {
  /** Who says so. */
  readonly source: NodeSource;
  /** The key to be shown at this URL. */
  readonly apiKey?: Secrets | undefined;
  /** How it is woken. */
  readonly wake?: WakeTarget | undefined;
}

/** What {@linkcode settleNodes} has to know. */
export interface SettleOptions {
  /** Equal for URLs that lead to the same Ollama. */
  readonly serverOf: (url: string) => string;
  /** Whether a URL leads to this host. */
  readonly isLocal: (url: string) => boolean;
  /** Requests that a node gets at a time where nobody says. */
  readonly slotCount: number;
}

/**
 * Makes one node of all namings that lead to the same Ollama, in the order in which each was named first: that naming
 * gives the URL, its key and, unless somebody chose a name, the name; the other URLs become aliases. Of what is said of
 * it, an operator's word at run time counts more than the configuration, and else what was said first; an empty list is a
 * word, too: it lifts what the configuration lists.
 */
export function settleNodes(named: readonly NamedNode[], options: SettleOptions): NodeSettings[] {
  const groups = [...Map.groupBy(named, ({ url }) => options.serverOf(url)).values()];
  const names = namesOf(groups);
  return groups.map((group, at) => {
    const [{ url, apiKey }] = group as [NamedNode, ...NamedNode[]];
    const byWeight = [...group.filter(({ source }) => source === "admin"), ...group];
    const said = <K extends keyof NamedNode>(key: K): NamedNode[K] | undefined =>
      byWeight.find((one) => one[key] !== undefined)?.[key];
    return {
      name: names[at]!,
      url,
      slotCount: said("slotCount") ?? options.slotCount,
      weight: said("weight") ?? 1,
      tags: said("tags") ?? [],
      allowedModels: said("models") ?? [],
      memoryBytes: said("memoryBytes"),
      apiKey,
      wake: said("wake"),
      isLocal: options.isLocal(url),
      sources: [...new Set(group.map(({ source }) => source))],
      aliases: [...new Set(group.map((one) => one.url))].filter((other) => other !== url),
    };
  });
}

/** Names that somebody chose come first; of two equal ones the first keeps it. */
function namesOf(groups: readonly (readonly NamedNode[])[]): string[] {
  const taken = new Set<string>();
  const take = (candidates: Iterable<string>): string | undefined => {
    for (const name of candidates) {
      if (taken.has(name)) continue;
      taken.add(name);
      return name;
    }
    return undefined;
  };
  const chosen = groups.map((group) => take(group.flatMap(({ name }) => name ?? [])));
  return groups.map((group, at) => chosen[at] ?? take(namesAfter(group[0]!.url))!);
}

/** `192.168.1.10`, with its port where that is not Ollama's own or another node has the name; then with its path. */
function* namesAfter(url: string): Generator<string> {
  const { address, basePath } = parseUpstreamUrl(url);
  const place = url.replace(/^\w+:\/\//, "");
  if (address.transport === "tcp" && address.port === OLLAMA_PORT) {
    const host = place.slice(0, place.length - basePath.length - `:${OLLAMA_PORT}`.length);
    if (!isReservedName(host)) yield host;
  }
  yield place.slice(0, place.length - basePath.length);
  yield place;
  for (let count = 2;; count++) yield `${place}#${count}`;
}
