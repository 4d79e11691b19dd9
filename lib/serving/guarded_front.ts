import type { Clock } from "../clock.ts";
import type { ListenAddress } from "../config/listen_address.ts";
import type { Logger } from "../log.ts";
import type { ConnectionGuard, Guarded } from "./connection_guard.ts";
import { type ClientHandler, type Front, REQUEST_TIMEOUT } from "./front.ts";
import type { ServeConnection, ServedConnection } from "./runtime_connection.ts";

/** So many may wait to be accepted; the kernel may allow fewer. */
const BACKLOG_COUNT = 4_096;
/** For how long nobody is accepted after it could not be done, ms. */
const AFTER_FAILURE_MS = 1_000;
/** The same where room was made, which takes the kernel a moment. */
const AFTER_ROOM_MS = 10;
/** Neither this process nor this host has a file descriptor left. */
const NO_DESCRIPTORS = /^E[MN]FILE$/;
/**
 * What became of one connection before it was accepted, such as that its client has reset it: the next one may be fine,
 * and is not to wait for it.
 *
 * @see accept(2)
 */
const ABOUT_ONE = /^E(?:CONNABORTED|CONNRESET|NOTCONN|PROTO|(?:HOST|NET)(?:DOWN|UNREACH))$/;

/** What a {@linkcode GuardedFront} works with. */
export interface GuardedFrontOptions {
  /** Answers. What it throws is a bug, and answered with a 500. */
  readonly handler: ClientHandler;
  /** Holds connections to their limits; belongs to the front from then on. */
  readonly guard: ConnectionGuard;
  /** Speaks HTTP. */
  readonly serve: ServeConnection;
  /** Paces what is tried again. */
  readonly clock: Clock;
  /** For connections that could not be accepted, and for bugs. */
  readonly logger: Logger;
}

/** Accepts connections itself, so that it can hold them to limits, and has the runtime speak HTTP on each. */
export class GuardedFront implements Front {
  /** Where it listens. */
  readonly addr: Deno.NetAddr;
  readonly #open = new Map<Guarded, ServedConnection>();
  readonly #closing = new AbortController();
  readonly #accepting: Promise<void>;
  #shutdown: Promise<void> | undefined;

  private constructor(
    private readonly listener: Deno.TcpListener,
    private readonly options: GuardedFrontOptions,
  ) {
    this.addr = listener.addr;
    options.guard.servesAt(this.addr.port);
    this.#accepting = this.#acceptAll();
  }

  /**
   * Listens.
   *
   * @throws {Deno.errors.AddrInUse} And what else `Deno.listen` throws.
   */
  static listen(address: ListenAddress, options: GuardedFrontOptions): GuardedFront {
    return new GuardedFront(Deno.listen({ ...address, tcpBacklog: BACKLOG_COUNT }), options);
  }

  /** As {@linkcode Front} says. */
  shutdown(): Promise<void> {
    return this.#shutdown ??= this.#end();
  }

  async #end(): Promise<void> {
    this.#closing.abort();
    this.listener.close();
    await this.#accepting;
    const { guard } = this.options;
    for (const guarded of this.#open.keys()) guard.leave(guarded);
    await Promise.all([...this.#open.values()].map(({ closed }) => closed));
    await guard[Symbol.asyncDispose]();
  }

  /** Never rejects. */
  async #acceptAll(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        this.#take(await this.listener.accept());
      } catch (error) {
        if (signal.aborted) return;
        const code = error instanceof Error && "code" in error ? String(error.code) : "";
        if (ABOUT_ONE.test(code)) continue;
        await this.options.clock.sleep(this.#pauseAfter(error, code), { signal }).catch(() => {});
      }
    }
  }

  #pauseAfter(error: unknown, code: string): number {
    if (NO_DESCRIPTORS.test(code) && this.options.guard.makeRoom()) return AFTER_ROOM_MS;
    this.options.logger.warn("connection not accepted", { error });
    return AFTER_FAILURE_MS;
  }

  #take(connection: Deno.TcpConn): void {
    const { guard, serve } = this.options;
    const remoteAddr = connection.remoteAddr;
    if (this.#closing.signal.aborted || !guard.admits(remoteAddr.hostname)) return connection.close();
    const served: ServedConnection = serve(
      connection,
      (request, { completed }) => this.#answer(guarded, request, { remoteAddr, completed }),
      (error) => this.#fail(error),
    );
    const { leave, cut, closed } = served;
    const guarded = guard.add(remoteAddr.hostname, { remotePort: remoteAddr.port, leave, cut });
    this.#open.set(guarded, served);
    void closed.then(() => {
      this.#open.delete(guarded);
      guard.closed(guarded);
    });
  }

  #answer(
    guarded: Guarded,
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Response | Promise<Response> {
    const { guard, handler } = this.options;
    guard.asked(guarded);
    const end = () => guard.answered(guarded);
    info.completed.then(end, end);
    const look = (response: Response) => {
      if (response.status === REQUEST_TIMEOUT) guard.dismiss(guarded);
      return response;
    };
    const answer = handler(request, info);
    return answer instanceof Response ? look(answer) : answer.then(look);
  }

  #fail(error: unknown): Response {
    this.options.logger.error("unexpected error", {
      error,
      stack: error instanceof Error ? error.stack : undefined,
    });
    return new Response("Internal Server Error", { status: 500 });
  }
}
