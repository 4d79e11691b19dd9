import type { Clock } from "../clock.ts";
import type { Config, Scope } from "../config/config.ts";
import { isLoopback } from "../config/listen_address.ts";
import type { Logger } from "../log.ts";
import { type Client, may } from "./client.ts";
import { hasClientKeys, type KeysConfig } from "./client_key.ts";
import { ClientLimits } from "./client_limits.ts";
import { CurrentKeyRing } from "./key_ring.ts";
import { accessOf } from "./model_access.ts";
import { isLoopbackAddress, plainAddress } from "./peer_address.ts";
import { RefusalLog } from "./refusal_log.ts";
import { notAuthorized, wrongScope } from "./refusals.ts";

/** What of the config says who may do what. */
export type AccessConfig = KeysConfig & Pick<Config, "listen" | "limits">;

/** What {@linkcode ClientAccess} works with. */
export interface ClientAccessOptions {
  /** The operator's word, keys read from where they are; asked at each request. */
  readonly config: AccessConfig;
  /** Counts requests, and seconds between lines of the log. */
  readonly clock: Clock;
  /** Hears of clients without a right key. */
  readonly logger: Logger;
}

/** What a request shows of who sends it. */
export interface Shown {
  /** The key, if it shows one. */
  readonly secret: string | undefined;
  /** The other end of its connection, as the system tells it; `undefined` if that is not known. */
  readonly address: string | undefined;
}

const NOTHING: readonly Scope[] = [];
const ANONYMOUS: readonly Scope[] = ["inference", "metrics"];
const EVERYTHING: readonly Scope[] = ["admin"];

/** Knows clients by their keys, and decides what each may do. */
export class ClientAccess implements Disposable {
  /** How many requests for models each client makes. */
  readonly limits: ClientLimits;
  /** Tells of clients without a right key. */
  readonly refusals: RefusalLog;
  readonly #config: AccessConfig;
  readonly #ring: CurrentKeyRing;

  /** Knows the keys of the config. */
  constructor(options: ClientAccessOptions) {
    this.#config = options.config;
    this.#ring = new CurrentKeyRing(options.config);
    this.limits = new ClientLimits(options);
    this.refusals = new RefusalLog(options);
  }

  /** Who sends a request. Never throws: whom nobody knows may do nothing. */
  identify({ secret, address: peer }: Shown): Client {
    const address = peer === undefined ? undefined : plainAddress(peer);
    const key = secret === undefined ? undefined : this.#ring.find(secret);
    if (key) return { key, hasUnknownKey: false, address, scopes: key.scopes, access: accessOf(key) };
    const hasUnknownKey = secret !== undefined && hasClientKeys(this.#config);
    const scopes = hasUnknownKey ? NOTHING : this.#scopesWithoutKey(address);
    return { key, hasUnknownKey, address, scopes, access: undefined };
  }

  /**
   * Requires that a client may do what is in a scope.
   *
   * @param what What it asks for, such as `GET /metrics`.
   * @throws {GatewayError} `unauthorized` if it has to show a key, or another one; `forbidden` if its key is for other things.
   */
  require(client: Client, scope: Scope, what: string): void {
    const isTokenWanted = scope === "worker" && !client.key && this.#config.workerToken !== undefined;
    if (may(client, scope) && !isTokenWanted) return;
    if (client.key) throw wrongScope(client.key, scope, what);
    throw notAuthorized(client, { scope, what, isTokenWanted, hasKeys: hasClientKeys(this.#config) });
  }

  /** Tells what of refused clients is left to tell. */
  [Symbol.dispose](): void {
    this.refusals[Symbol.dispose]();
  }

  /** Programs on this machine belong to whoever runs it, unless he made keys. */
  #scopesWithoutKey(address: string | undefined): readonly Scope[] {
    const { auth, listen } = this.#config;
    const isHere = address === undefined ? isLoopback(listen) : isLoopbackAddress(address);
    if (isHere && !hasClientKeys(this.#config)) return EVERYTHING;
    return auth.allowsAnonymous ? ANONYMOUS : NOTHING;
  }
}
