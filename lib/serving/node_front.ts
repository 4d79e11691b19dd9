import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { once } from "node:events";
import type { ListenAddress } from "../config/listen_address.ts";
import type { Logger } from "../log.ts";
import type { ConnectionGuard, Guarded } from "./connection_guard.ts";
import { type ClientHandler, type Front, REQUEST_TIMEOUT } from "./front.ts";
import { sendResponse, toRequest } from "./node_exchange.ts";

/** What is longer is refused without a word; whoever answers has a lower limit and says so. */
const MAX_HEAD_BYTES = 128 * 1024;

/** What a {@linkcode NodeFront} works with. */
export interface NodeFrontOptions {
  /** Answers. What it throws is a bug, and answered with a 500. */
  readonly handler: ClientHandler;
  /** Holds connections to their limits; belongs to the front from then on. */
  readonly guard: ConnectionGuard;
  /** For bugs. */
  readonly logger: Logger;
}

/** A connection of Node's server. */
class NodeConnection {
  isLeaving = false;
  underWayCount = 0;

  constructor(private readonly socket: Socket) {}

  get remotePort(): number {
    return this.socket.remotePort ?? 0;
  }

  leave(): void {
    this.isLeaving = true;
    if (this.underWayCount === 0) this.socket.destroySoon();
  }

  cut(): void {
    this.socket.destroy();
  }
}

/**
 * Serves a socket that somebody else made listen, which only Node's server can: it costs more for each request than the
 * runtime's own. Its own limits are not used, since those of the guard are the same for both and may change.
 */
export class NodeFront implements Front {
  /** Where it listens. */
  readonly addr: Deno.NetAddr;
  readonly #open = new Map<Socket, { readonly connection: NodeConnection; readonly guarded: Guarded }>();
  #shutdown: Promise<void> | undefined;

  private constructor(private readonly server: Server, private readonly options: NodeFrontOptions) {
    const address = server.address();
    const { address: hostname, port } = typeof address === "object" && address
      ? address
      : { address: "", port: 0 };
    this.addr = { transport: "tcp", hostname, port };
    options.guard.servesAt(port);
    server.on("connection", (socket: Socket) => this.#take(socket));
    server.on("request", (incoming, outgoing) => void this.#serve(incoming, outgoing));
  }

  /**
   * Accepts what comes to a socket that listens already, or to an address.
   *
   * @throws If the file descriptor is none of a listening socket, or the address cannot be had.
   */
  static async listen(
    where: { readonly fd: number } | ListenAddress,
    options: NodeFrontOptions,
  ): Promise<NodeFront> {
    const server = createServer({ maxHeaderSize: MAX_HEAD_BYTES, requestTimeout: 0, headersTimeout: 0 });
    server.keepAliveTimeout = 0;
    server.timeout = 0;
    server.listen("fd" in where ? where : { host: where.hostname, port: where.port });
    await once(server, "listening"); // throws what "error" tells
    return new NodeFront(server, options);
  }

  /** As {@linkcode Front} says. */
  shutdown(): Promise<void> {
    return this.#shutdown ??= this.#end();
  }

  async #end(): Promise<void> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.server.close(() => resolve());
    for (const { guarded } of this.#open.values()) this.options.guard.leave(guarded);
    await closed;
    await this.options.guard[Symbol.asyncDispose]();
  }

  #take(socket: Socket): void {
    const { guard } = this.options;
    const { remoteAddress = "" } = socket;
    if (this.#shutdown || !guard.admits(remoteAddress)) return void socket.destroy();
    const connection = new NodeConnection(socket);
    const guarded = guard.add(remoteAddress, connection);
    this.#open.set(socket, { connection, guarded });
    socket.on("close", () => {
      this.#open.delete(socket);
      guard.closed(guarded);
    });
  }

  /** Never rejects. */
  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { socket } = incoming;
    const known = this.#open.get(socket);
    if (!known) return void socket.destroy();
    const { connection, guarded } = known;
    const { guard } = this.options;
    connection.underWayCount++;
    guard.asked(guarded);
    const left = new AbortController();
    const completed = new Promise<void>((resolve, reject) => {
      outgoing.on("close", () => {
        if (outgoing.writableFinished) return resolve();
        left.abort(new DOMException("The client left", "AbortError"));
        reject(left.signal.reason);
      });
    });
    completed.catch(() => {}); // the handler may not want to know
    try {
      const response = await this.#answer(incoming, left.signal, completed);
      if (response.status === REQUEST_TIMEOUT) guard.dismiss(guarded);
      if (connection.isLeaving) outgoing.shouldKeepAlive = false;
      await sendResponse(outgoing, response, left.signal);
      await completed;
    } catch (error) {
      if (!left.signal.aborted) this.options.logger.error("unexpected error", { error });
      if (!outgoing.closed) outgoing.destroy();
    }
    connection.underWayCount--;
    guard.answered(guarded);
    if (connection.isLeaving) connection.leave();
  }

  async #answer(incoming: IncomingMessage, left: AbortSignal, completed: Promise<void>): Promise<Response> {
    const { remoteAddress: hostname = "", remotePort: port = 0 } = incoming.socket;
    const request = toRequest(incoming, left);
    if (!request) return new Response("Bad Request", { status: 400 });
    try {
      return await this.options.handler(request, {
        remoteAddr: { transport: "tcp", hostname, port },
        completed,
      });
    } catch (error) {
      this.options.logger.error("unexpected error", {
        error,
        stack: error instanceof Error ? error.stack : undefined,
      });
      return new Response("Internal Server Error", { status: 500 });
    }
  }
}
