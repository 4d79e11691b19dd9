import { type BackendLimits, type BackendSource, UNLIMITED } from "../rpc/backend.ts";
import { type Endpoint, formatEndpoint } from "../rpc/endpoint.ts";
import type { BackendIdentity } from "./identity.ts";
import { type EndpointName, RegisteredBackend } from "./registered_backend.ts";

/** What became of names after their identities were found out. */
export interface Regrouping {
  /** Backends that are new because a name leads elsewhere now. */
  readonly split: readonly RegisteredBackend[];
  /** Backends that turned out to be others, with what they are now. */
  readonly merged: readonly { readonly gone: RegisteredBackend; readonly into: RegisteredBackend }[];
}

/** Which names lead to which rpc backend. */
export class BackendDirectory {
  readonly #all = new Set<RegisteredBackend>();
  readonly #byName = new Map<string, RegisteredBackend>();
  readonly #byServer = new Map<string, RegisteredBackend>();
  #orderCount = 0;

  /** How many names there are. */
  get nameCount(): number {
    return this.#byName.size;
  }

  /** How many backends there are. */
  get size(): number {
    return this.#all.size;
  }

  /** All backends. */
  all(): Iterable<RegisteredBackend> {
    return this.#all;
  }

  /** The backend of that name. */
  get(key: string): RegisteredBackend | undefined {
    return this.#byName.get(key);
  }

  /** Adds a name, or to what is known of it. What `limits` leaves out stays as it was. */
  add(endpoint: Endpoint, source: BackendSource, limits: Partial<BackendLimits> = {}): RegisteredBackend {
    const key = formatEndpoint(endpoint);
    const known = this.#byName.get(key);
    const backend = known ?? this.#found({
      key,
      endpoint,
      sources: new Set(),
      limits: UNLIMITED,
      identity: undefined,
    });
    const name = nameOf(backend, key);
    name.sources.add(source);
    name.limits = { ...name.limits, ...limits };
    return backend;
  }

  /**
   * Takes a source of a name back. The name itself stays until {@linkcode sweep}.
   *
   * @returns Whether that source had told of it.
   */
  withdraw(key: string, source: BackendSource): boolean {
    const backend = this.#byName.get(key);
    return backend !== undefined && nameOf(backend, key).sources.delete(source);
  }

  /** Drops the names of which nobody tells, but not the one that a coordinator uses. @returns The names that went. */
  sweep(backend: RegisteredBackend): EndpointName[] {
    const gone = backend.names.filter(({ sources }, at) =>
      sources.size === 0 && !(at === 0 && backend.tenant !== undefined)
    );
    for (const name of gone) {
      backend.names.splice(backend.names.indexOf(name), 1);
      this.#byName.delete(name.key);
    }
    if (backend.names.length === 0) this.#forget(backend);
    return gone;
  }

  /** Takes what names of a backend lead to; names that are missing in `found` keep what they led to last. */
  regroup(
    backend: RegisteredBackend,
    found: ReadonlyMap<EndpointName, BackendIdentity>,
  ): Regrouping {
    for (const name of backend.names) name.identity = newer(name.identity, found.get(name));
    const server = backend.names[0]?.identity?.server;
    const strays = backend.names.slice(1).filter(({ identity }) => identity && identity.server !== server);
    const split = strays.map((name) => {
      backend.names.splice(backend.names.indexOf(name), 1);
      return this.#found(name);
    });
    const merged = [backend, ...split].flatMap((group) => this.#settle(group) ?? []);
    return { split: split.filter(({ names }) => names.length > 0), merged };
  }

  #found(name: EndpointName): RegisteredBackend {
    const backend = new RegisteredBackend(this.#orderCount++);
    backend.names.push(name);
    this.#byName.set(name.key, backend);
    this.#all.add(backend);
    return backend;
  }

  #forget(backend: RegisteredBackend): void {
    this.#all.delete(backend);
    for (const [server, known] of this.#byServer) if (known === backend) this.#byServer.delete(server);
  }

  /** Puts a backend where its server is listed; if another one is there, the two become one. */
  #settle(backend: RegisteredBackend): { gone: RegisteredBackend; into: RegisteredBackend } | undefined {
    const server = backend.names[0]?.identity?.server;
    if (server === undefined) return undefined;
    const listed = this.#byServer.get(server);
    const isTwin = listed !== undefined && listed !== backend && listed.names[0]?.identity?.server === server;
    if (!isTwin) this.#byServer.set(server, backend);
    if (!isTwin || (listed.tenant !== undefined && backend.tenant !== undefined)) return undefined;
    const isListedFirst = listed.order < backend.order;
    const staysListed = listed.tenant !== undefined || (isListedFirst && backend.tenant === undefined);
    const [into, gone] = staysListed ? [listed, backend] : [backend, listed];
    this.#merge(gone, into);
    this.#byServer.set(server, into);
    return { gone, into };
  }

  #merge(gone: RegisteredBackend, into: RegisteredBackend): void {
    for (const name of gone.names.splice(0)) {
      into.names.push(name);
      this.#byName.set(name.key, into);
    }
    into.claim ??= gone.claim;
    this.#forget(gone);
  }
}

function nameOf(backend: RegisteredBackend, key: string): EndpointName {
  return backend.names.find((name) => name.key === key)!;
}

/** While nothing listens on this host, an address does not tell which server it would lead to: the last answer stays. */
function newer(
  last: BackendIdentity | undefined,
  now: BackendIdentity | undefined,
): BackendIdentity | undefined {
  if (!now) return last;
  return last?.isLocal && now.isLocal && !now.isSeen ? last : now;
}
