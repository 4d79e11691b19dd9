import { isDeepStrictEqual } from "node:util";
import { type Clock, systemClock } from "./clock.ts";
import { Deadline } from "./deadline.ts";
import { GatewayError } from "./errors.ts";
import type { HttpClient } from "./http/client.ts";
import type { Logger } from "./log.ts";
import type { NodeAdmin, NodeRemoval } from "./node_admin.ts";
import { findNode } from "./nodes/find_node.ts";
import { LOCAL_URL, LocalOllama } from "./nodes/local_ollama.ts";
import type { NamedNode } from "./nodes/named_nodes.ts";
import type { NodeSource, NodeView } from "./nodes/node.ts";
import { createIdentifyNode, type IdentifyNode } from "./nodes/node_identity.ts";
import { nodeOfEnvironment } from "./nodes/node_of_environment.ts";
import { NodePlaces } from "./nodes/node_places.ts";
import type { NodeRegistration } from "./nodes/node_registration.ts";
import type { NodeRegistry } from "./nodes/node_registry.ts";
import type { NodeSettings } from "./nodes/node_settings.ts";
import { type UnusedNode, viewOfUnused } from "./nodes/unused_node.ts";
import { faultOf, type NodeConfig, SWITCHED_OFF, usableNodes } from "./nodes/usable_nodes.ts";
import { shuttingDown } from "./queue/refusals.ts";
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
  readonly #environment: NamedNode | undefined;
  readonly #local: LocalOllama;
  #registered: readonly StoredNode[];
  #used: readonly NodeSettings[] = [];
  #unused: readonly UnusedNode[] = [];
  #told: ReadonlySet<string> = new Set();

  /** Reads what was registered before; asks nobody yet: see {@linkcode start}. */
  constructor(parts: NodeSourcesParts) {
    this.#parts = parts;
    this.#config = parts.config;
    this.#clock = parts.clock ?? systemClock;
    this.#places = new NodePlaces(
      parts.identify ?? createIdentifyNode({ clock: this.#clock }),
      (url, error) => parts.logger.warn("cannot find out where an ollama node is", { url, error }),
    );
    this.#registered = parts.store.list();
    this.#environment = nodeOfEnvironment(parts);
    this.#local = new LocalOllama({ http: parts.http, clock: this.#clock });
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
    const { name, url, sources } = findNode(this.#known(), nameOrUrl);
    const server = this.#places.serverOf(url);
    const [ours, others] = partition(this.#registered, (one) => this.#places.serverOf(one.url) === server);
    const stays = sources.flatMap((source) => source === "admin" ? [] : WHERE_NAMED[source]).join("; and ");
    if (ours.length === 0) throw new GatewayError("conflict", `Cannot forget ${name}: ${stays}`);
    const isKept = ours.map((one) => this.#parts.store.remove(one.url)).every((isForgotten) => isForgotten);
    this.#registered = others;
    this.#apply();
    const reason = stays === ""
      ? `${name} is forgotten; requests that it has end as usual`
      : `what was said of ${name} by hand is forgotten; it stays a node: ${stays}`;
    return { name, outcome: "removed", reason: isKept ? reason : `${reason}. ${COMES_BACK}` };
  }

  /** Ends all waiting; the registry keeps what it has. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(shuttingDown());
    await Promise.all(this.#work);
  }

  /** All namings that are known now, the first of an Ollama giving its name. */
  #named(): NamedNode[] {
    const { ollamaNodes, nodes } = this.#config;
    const environment = ollamaNodes.length === 0 && this.#environment ? [this.#environment] : [];
    const isLocalUsed = this.#local.isFound && nodes.isLocalFound;
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
    this.#tellOf(unused.filter(({ health }) => health === "down"));
    if (!unlessSame || !isDeepStrictEqual(before, used)) this.#parts.registry.apply(used);
  }

  /** Once each, and once more after it was used, or gone, meanwhile. */
  #tellOf(refused: readonly UnusedNode[]): void {
    for (const { settings: { name, url }, reason } of refused) {
      if (!this.#told.has(url)) this.#parts.logger.warn("ollama node refused", { node: name, url, reason });
    }
    this.#told = new Set(refused.map(({ settings: { url } }) => url));
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
    const { signal } = this.#closing;
    if (!this.#config.nodes.isLocalFound) return;
    if (this.#local.isFound) return this.#letLocalGo();
    const identity = await this.#places.find(LOCAL_URL, signal);
    if (!identity || faultOf(identity, this.#config.listen) !== undefined) return;
    if (this.#named().some(({ url }) => this.#places.serverOf(url) === identity.server)) return;
    if (!await this.#local.find(signal)) return;
    this.#places.put(LOCAL_URL, identity);
    this.#apply({ unlessSame: true });
  }

  #letLocalGo(): void {
    if (this.#local.letGo(this.#viewOf(this.#places.serverOf(LOCAL_URL)))) this.#apply({ unlessSame: true });
  }

  async #lookAgain(): Promise<void> {
    for (;;) {
      await this.#clock.sleep(LOOK_EVERY_MS, { signal: this.#closing.signal });
      await Promise.all([ // one that fails is looked for again, as all others are
        this.#inBackground(() => this.#settle({ again: true })),
        this.#inBackground(() => this.#findLocal()),
      ]);
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

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/** Between its adding and its first verdict somebody else removed it. */
function gone(url: string): never {
  throw new GatewayError("conflict", `${url} was removed while it was being registered; register it again`);
}
