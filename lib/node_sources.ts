import { isDeepStrictEqual } from "node:util";
import { type Clock, systemClock } from "./clock.ts";
import { Deadline } from "./deadline.ts";
import { GatewayError } from "./errors.ts";
import type { HttpClient } from "./http/client.ts";
import type { Logger } from "./log.ts";
import type { NodeAdmin, NodeRemoval } from "./node_admin.ts";
import { isOllamaAt, LOCAL_URL } from "./nodes/local_ollama.ts";
import type { NamedNode } from "./nodes/named_nodes.ts";
import type { NodeSource, NodeView } from "./nodes/node.ts";
import { createIdentifyNode, type IdentifyNode } from "./nodes/node_identity.ts";
import { NodePlaces } from "./nodes/node_places.ts";
import type { NodeRegistration } from "./nodes/node_registration.ts";
import type { NodeRegistry } from "./nodes/node_registry.ts";
import type { NodeSettings } from "./nodes/node_settings.ts";
import { parseNodeUrl } from "./nodes/node_url.ts";
import { parseOllamaHost } from "./nodes/ollama_host.ts";
import { type UnusedNode, viewOfUnused } from "./nodes/unused_node.ts";
import { faultOf, type NodeConfig, SWITCHED_OFF, usableNodes } from "./nodes/usable_nodes.ts";
import type { NodeStore, StoredNode } from "./store/node_store.ts";
import { untilAborted } from "./until_aborted.ts";

/** More than any homelab has; each request looks at those that hold its model. */
const MAX_NODES = 1_000;
/** How long an operator waits for the first verdict on what they registered, ms. */
const FIRST_VERDICT_MS = 2_000;
/** How long a start waits to learn where names lead, and whether an Ollama is on this host, ms. */
const START_MS = 2_500;
/** How often an Ollama on this host is looked for, and names are looked up again, ms. */
const LOOK_EVERY_MS = 30_000;

/** What {@linkcode NodeSources} feeds, and from where. */
export interface NodeSourcesParts {
  /** Gets all of them; stays the caller's. */
  readonly registry: Pick<NodeRegistry, "apply" | "refresh" | "views">;
  /** What was registered by hand, over restarts. */
  readonly store: NodeStore;
  /** What the operator wants. */
  readonly config: NodeConfig;
  /** `OLLAMA_HOST` of the environment, if it is set. */
  readonly ollamaHost: string | undefined;
  /** Asks whether an Ollama is on this host; stays the caller's. */
  readonly http: Pick<HttpClient, "send">;
  /** Hears of what is not used. */
  readonly logger: Logger;
  /** Where a URL leads. Default: the resolver, and this host's kernel. */
  readonly identify?: IdentifyNode;
  /** Default: the host's. */
  readonly clock?: Clock;
}

/**
 * Where Ollama nodes come from: the configuration, `OLLAMA_HOST` where that names none, operators at run time, and this
 * host. Feeds the registry with each Ollama once, however many names it has. Dispose it before the registry.
 */
export class NodeSources implements NodeAdmin, AsyncDisposable {
  readonly #parts: NodeSourcesParts;
  readonly #clock: Clock;
  readonly #places: NodePlaces;
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<void>>();
  #config: NodeConfig;
  #environment: NamedNode | undefined;
  #registered: readonly StoredNode[];
  #isLocalFound = false;
  #used: readonly NodeSettings[] = [];
  #unused: readonly UnusedNode[] = [];
  readonly #told = new Set<string>();

  /** Reads what was registered before; asks nobody yet: see {@linkcode start}. */
  constructor(parts: NodeSourcesParts) {
    this.#parts = parts;
    this.#config = parts.config;
    this.#clock = parts.clock ?? systemClock;
    this.#places = new NodePlaces(parts.identify ?? createIdentifyNode({ clock: this.#clock }));
    this.#registered = parts.store.list();
    this.#environment = readOllamaHost(parts);
  }

  /**
   * Finds out where all of them lead, hands them to the registry, and looks for an Ollama on this host; from then on
   * every 30 s. Resolves when that was done once, after 2.5 s at most; never rejects.
   */
  async start(): Promise<void> {
    using deadline = new Deadline(this.#clock, START_MS, { signal: this.#closing.signal });
    const first = Promise.all([
      this.#inBackground(() => this.#settle()),
      this.#inBackground(() => this.#findLocal()),
    ]);
    void this.#inBackground(() => this.#lookAgain());
    await Promise.race([first, untilAborted(deadline.signal)]);
  }

  /** Takes what the configuration says now. What is known already counts at once, new names when they are looked up. */
  configure(config: NodeConfig): void {
    this.#config = config;
    this.#apply();
    void this.#inBackground(() => this.#settle());
    void this.#inBackground(() => this.#findLocal());
  }

  listNodes(): readonly NodeView[] {
    return [...this.#parts.registry.views(), ...this.#unused.map(viewOfUnused)];
  }

  async addNode(said: NodeRegistration): Promise<NodeView> {
    const identity = await this.#places.find(said.url, this.#closing.signal);
    this.#places.put(said.url, identity);
    const server = this.#places.serverOf(said.url);
    this.#refuseUnfit(said, server);
    const before = this.#registered.find(({ url }) => this.#places.serverOf(url) === server);
    const node = { addedAtMs: this.#clock.now(), ...before, ...said, url: before?.url ?? said.url };
    const isKept = this.#parts.store.put(node);
    this.#registered = before
      ? this.#registered.map((one) => one === before ? node : one)
      : [...this.#registered, node];
    this.#apply();
    await this.#firstVerdict(server);
    const view = this.#viewOf(server) ?? gone(said.url);
    return isKept ? view : { ...view, reason: `${view.reason}. ${NOT_KEPT}` };
  }

  removeNode(nameOrUrl: string): NodeRemoval {
    const { name, url, sources } = this.#find(nameOrUrl);
    const server = this.#places.serverOf(url);
    const [ours, others] = partition(this.#registered, (one) => this.#places.serverOf(one.url) === server);
    const isKept = ours.map((one) => this.#parts.store.remove(one.url)).every((isForgotten) => isForgotten);
    this.#registered = others;
    this.#apply();
    const named = sources.flatMap((source) => source === "admin" ? [] : WHERE_NAMED[source]);
    if (named.length > 0) {
      throw new GatewayError("conflict", `Cannot forget ${name}: ${named.join("; and ")}`);
    }
    const reason = `${name} is forgotten; requests that it has end as usual`;
    return { name, outcome: "removed", reason: isKept ? reason : `${reason}. ${COMES_BACK}` };
  }

  /** Ends all waiting; the registry keeps what it has. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(
      new GatewayError("shutting_down", "The gateway is shutting down; ask again in a moment"),
    );
    await Promise.all(this.#work);
  }

  /** All namings that are known now, the first of an Ollama giving its name. */
  #named(): NamedNode[] {
    const { ollamaNodes, nodes } = this.#config;
    const environment = ollamaNodes.length === 0 && this.#environment ? [this.#environment] : [];
    const isLocalUsed = this.#isLocalFound && nodes.isLocalFound;
    return [
      ...ollamaNodes.map((node) => ({ ...node, source: "config" as const })),
      ...environment,
      ...this.#registered.map((node) => ({ ...node, source: "admin" as const })),
      ...(isLocalUsed ? [{ url: LOCAL_URL, source: "local" as const }] : []),
    ];
  }

  /** Hands all of which it was found out where they lead to the registry, in one step. */
  #apply({ unlessSame = false } = {}): void {
    const before = this.#used;
    const { used, unused } = usableNodes(this.#named(), this.#places, this.#config);
    this.#used = used;
    this.#unused = unused;
    for (const one of unused) this.#tellOf(one);
    if (!unlessSame || !isDeepStrictEqual(before, used)) this.#parts.registry.apply(used);
  }

  #tellOf({ settings: { name, url }, health, reason }: UnusedNode): void {
    if (health !== "down" || this.#told.has(url)) return;
    this.#told.add(url);
    this.#parts.logger.warn("ollama node refused", { node: name, url, reason });
  }

  /** Finds out where new names lead, and, from time to time, whether old ones lead elsewhere by now. */
  async #settle({ again = false } = {}): Promise<void> {
    const urls = [...new Set(this.#named().map(({ url }) => url))];
    const isOpen = (url: string) => !this.#places.has(url) || (again && this.#places.mayChange(url));
    await this.#places.learn(urls.filter(isOpen), this.#closing.signal);
    this.#places.keepOnly(this.#named().map(({ url }) => url));
    this.#apply({ unlessSame: true });
  }

  /** Nothing is told of an Ollama on this host before it has answered. */
  async #findLocal(): Promise<void> {
    const { http } = this.#parts;
    const { signal } = this.#closing;
    if (this.#isLocalFound || !this.#config.nodes.isLocalFound) return;
    const identity = await this.#places.find(LOCAL_URL, signal);
    if (!identity || faultOf(identity, this.#config.listen) !== undefined) return;
    if (this.#named().some(({ url }) => this.#places.serverOf(url) === identity.server)) return;
    if (!await isOllamaAt(LOCAL_URL, { http, clock: this.#clock, signal })) return;
    this.#isLocalFound = true;
    this.#places.put(LOCAL_URL, identity);
    this.#apply({ unlessSame: true });
  }

  async #lookAgain(): Promise<void> {
    for (;;) {
      await this.#clock.sleep(LOOK_EVERY_MS, { signal: this.#closing.signal });
      await Promise.all([this.#settle({ again: true }), this.#findLocal()]);
    }
  }

  /** Never rejects. */
  #inBackground(work: () => Promise<void>): Promise<void> {
    const done = work().catch((error) => {
      if (!this.#closing.signal.aborted) {
        this.#parts.logger.error("looking for ollama nodes failed", { error });
      }
    }).finally(() => this.#work.delete(done));
    this.#work.add(done);
    return done;
  }

  #refuseUnfit({ url, name }: NodeRegistration, server: string): void {
    const refuse = (code: "invalid_request" | "conflict", why: string, field?: string): never => {
      throw new GatewayError(code, `Cannot use ${url} as an Ollama node: ${why}`, field ? { field } : {});
    };
    const identity = this.#places.of(url);
    const fault = identity && faultOf(identity, this.#config.listen);
    if (fault !== undefined) refuse("invalid_request", fault, "url");
    if (!this.#config.taskDistributionEnabled && !identity?.isLocal) refuse("conflict", SWITCHED_OFF);
    const known = this.#known();
    const namesake = known.find((one) => one.name === name && this.#places.serverOf(one.url) !== server);
    if (namesake) {
      refuse("conflict", `${name} is the name of ${namesake.url} already; choose another`, "name");
    }
    const isNew = !known.some((one) => this.#places.serverOf(one.url) === server);
    if (isNew && known.length >= MAX_NODES) {
      refuse("conflict", `${MAX_NODES} nodes are the most; remove one first`);
    }
  }

  async #firstVerdict(server: string): Promise<void> {
    const name = this.#used.find(({ url }) => this.#places.serverOf(url) === server)?.name;
    if (name === undefined) return;
    using deadline = new Deadline(this.#clock, FIRST_VERDICT_MS, { signal: this.#closing.signal });
    const { signal } = deadline;
    const asked = this.#parts.registry.refresh({ names: [name], signal }).catch((error) => {
      if (!signal.aborted) throw error;
    });
    await Promise.race([asked, untilAborted(signal)]);
  }

  #known(): readonly NodeSettings[] {
    return [...this.#used, ...this.#unused.map(({ settings }) => settings)];
  }

  #viewOf(server: string): NodeView | undefined {
    return this.listNodes().find(({ url }) => this.#places.serverOf(url) === server);
  }

  #find(nameOrUrl: string): NodeSettings {
    const known = this.#known();
    const url = urlOf(nameOrUrl);
    const found = known.find(({ name }) => name === nameOrUrl) ??
      known.find((one) => url !== undefined && (one.url === url || one.aliases.includes(url)));
    if (found) return found;
    const name = nameOrUrl.length <= 80 ? nameOrUrl : `${nameOrUrl.slice(0, 80)}…`;
    throw new GatewayError("not_found", `There is no Ollama node "${name}"; \`sollol nodes\` lists them`);
  }
}

const WHERE_NAMED: Readonly<Record<Exclude<NodeSource, "admin">, string>> = {
  config: "the configuration names it (ollama_nodes); remove it there",
  environment:
    "the variable OLLAMA_HOST names it; unset that, or name others in the configuration (ollama_nodes)",
  local: "it was found on this host; set nodes.local to false",
};

const NOT_KEPT =
  "It is forgotten when the gateway restarts: its state_dir cannot be written (its log has the reason)";
const COMES_BACK =
  "It comes back when the gateway restarts: its state_dir cannot be written (its log has the reason)";

function readOllamaHost({ ollamaHost, logger }: NodeSourcesParts): NamedNode | undefined {
  if (ollamaHost === undefined || ollamaHost.trim() === "") return undefined;
  try {
    return { url: parseOllamaHost(ollamaHost), source: "environment" };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    logger.warn("OLLAMA_HOST names no node", { reason: error });
    return undefined;
  }
}

function urlOf(text: string): string | undefined {
  try {
    return parseNodeUrl(text);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/** Between its adding and its first verdict somebody else removed it. */
function gone(url: string): never {
  throw new GatewayError("conflict", `${url} was removed while it was being registered; register it again`);
}
