import { formatDuration } from "../units.ts";
import { formatAddress, hostOf, type UpstreamAddress } from "./address.ts";
import type { Connection } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import { dial } from "./dial.ts";
import type { HttpError, HttpErrorKind } from "./error.ts";
import { Exchange, type HttpResponse } from "./exchange.ts";
import { httpError } from "./failure.ts";
import { IdlePool } from "./idle_pool.ts";
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from "./limits.ts";
import { formatRequestHead, type RequestMessage } from "./request_head.ts";
import type { NameRules } from "./resolve_host.ts";
import { Roster, type Rostered } from "./roster.ts";

export type { HttpBody } from "./body.ts";
export type { HttpResponse } from "./exchange.ts";
export type { HttpLimits } from "./limits.ts";
export type { NameRules } from "./resolve_host.ts";

/** One request. Times and signal are optional: without them it waits as long as the upstream does. */
export interface HttpRequest extends RequestMessage {
  /** Aborting it, in any phase, closes the connection at once and rejects with its reason. */
  signal?: AbortSignal;
  /** Bounds resolving, connecting and the TLS handshake; does not matter on a pooled connection. */
  connectTimeoutMs?: number;
  /** Bounds the time from the first byte sent to the head of the answer. */
  headTimeoutMs?: number;
  /** Use a connection of its own: no pooled one, and not pooled afterwards. The upstream is told to close it. */
  fresh?: boolean;
  /** Longest time that its connection is kept for others once it is idle. Default: as for all, see {@linkcode HttpClientOptions}. */
  keepIdleMs?: number;
}

/** How a client behaves for all of its requests. */
export interface HttpClientOptions {
  /** Defaults: {@linkcode DEFAULT_HTTP_LIMITS}. */
  limits?: Partial<HttpLimits>;
  /** Idle connections kept for one address. Default 64; 0 keeps none. */
  maxIdlePerAddress?: number;
  /** How long an idle connection is kept, at most; an upstream's `Keep-Alive: timeout` shortens it. Default 30 s. */
  idleTimeoutMs?: number;
  /** PEM certificates to trust for https upstreams, beside those that Deno trusts. */
  caCerts?: string[];
  /** Which addresses a host's name may lead to, judged anew at each connection. Default: any. */
  names?: NameRules;
}

/**
 * An HTTP/1.1 client for upstreams that are paid for in GPU time. Unlike `fetch` it sends a request exactly once,
 * knows whether a byte was sent or answered and how an answer ended, and obeys no proxy variable.
 *
 * Disposing it closes every connection, idle or in use.
 *
 * @example
 * ```ts
 * using client = new HttpClient();
 * const { address } = parseUpstreamUrl("http://127.0.0.1:8080");
 * const { status, body } = await client.send(address, { method: "GET", target: "/health", headTimeoutMs: 2_000 });
 * console.log(status, await body.text(64 * 1024));
 * ```
 */
export class HttpClient implements Disposable, AsyncDisposable {
  readonly #limits: HttpLimits;
  readonly #caCerts: string[];
  readonly #names: NameRules | undefined;
  readonly #deadlines = new Deadlines();
  readonly #pool: IdlePool;
  readonly #underWay = new Roster<UnderWay>();
  #isDisposed = false;

  /** Opens nothing yet. */
  constructor(options: HttpClientOptions = {}) {
    const { maxIdlePerAddress = 64, idleTimeoutMs = 30_000 } = options;
    this.#limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
    this.#caCerts = options.caCerts ?? [];
    this.#names = options.names;
    this.#pool = new IdlePool({ maxIdlePerAddress, idleTimeoutMs, deadlines: this.#deadlines });
  }

  /**
   * Sends a request, once, and resolves when the head of its answer has come, whatever its status.
   *
   * A pooled connection that proves closed before it took a byte is replaced silently; nothing else is tried twice.
   *
   * @throws {HttpError} If there is no answer.
   * @throws The signal's reason, once it aborted.
   * @throws {TypeError} If the request cannot be written as HTTP.
   */
  async send(address: UpstreamAddress, request: HttpRequest): Promise<HttpResponse> {
    const head = formatRequestHead(request, hostOf(address), request.fresh ?? false);
    const label = formatAddress(address);
    for (;;) {
      request.signal?.throwIfAborted();
      if (this.#isDisposed) throw notConnected(label, "closed", DISPOSED);
      const pooled = request.fresh ? undefined : this.#pool.take(label);
      const exchange = this.#begin(pooled ?? await this.#dial(address, label, request), request);
      if (await exchange.send(head, request.body)) return await exchange.receive();
    }
  }

  /** Closes every connection. Requests that are under way reject with an {@linkcode HttpError} of kind `closed`. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const attempt of this.#underWay.toArray()) attempt.abandon("closed", DISPOSED);
    this.#pool[Symbol.dispose]();
    this.#deadlines[Symbol.dispose]();
  }

  /** The same as {@linkcode Symbol.dispose}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    return Promise.resolve();
  }

  async #dial(address: UpstreamAddress, label: string, request: HttpRequest): Promise<Connection> {
    const { signal, connectTimeoutMs } = request;
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal?.reason);
    const attempt: UnderWay = {
      rosterIndex: -1,
      abandon: (kind, detail) => stop.abort(notConnected(label, kind, detail)),
    };
    const deadline = connectTimeoutMs === undefined
      ? undefined
      : this.#deadlines.add(connectTimeoutMs, () => {
        attempt.abandon("timeout", `no connection within ${formatDuration(connectTimeoutMs)}${ADVICE}`);
      });
    signal?.addEventListener("abort", onAbort);
    this.#underWay.add(attempt);
    try {
      return await dial(address, { signal: stop.signal, caCerts: this.#caCerts, names: this.#names });
    } finally {
      this.#underWay.remove(attempt);
      this.#deadlines.remove(deadline);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #begin(connection: Connection, request: HttpRequest): Exchange {
    const exchange = new Exchange(connection, {
      method: request.method,
      signal: request.signal,
      headTimeoutMs: request.headTimeoutMs,
      limits: this.#limits,
      deadlines: this.#deadlines,
      onEnd: (ended, reusableMs) => {
        this.#underWay.remove(ended);
        const { fresh = false, keepIdleMs = Infinity } = request;
        this.#pool.put(connection, fresh ? 0 : Math.min(reusableMs, keepIdleMs));
      },
    });
    this.#underWay.add(exchange);
    if (this.#isDisposed) exchange.abandon("closed", DISPOSED); // while it was being connected
    return exchange;
  }
}

/** A connection attempt or an exchange: what disposing the client has to end. */
interface UnderWay extends Rostered {
  abandon(kind: HttpErrorKind, detail: string): void;
}

const DISPOSED = "the client was disposed";
const ADVICE = "; check the host, the network and the firewall";

function notConnected(label: string, kind: HttpErrorKind, detail: string): HttpError {
  return httpError(label, detail, { phase: "connect", kind, sent: false, answered: false });
}
