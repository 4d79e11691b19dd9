import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { FakeOllamaApi, type FakeOllamaNature } from "./fake_ollama_api.ts";
import { FakeOllamaConnection } from "./fake_ollama_connection.ts";
import type { FakeOllamaManagement } from "./fake_ollama_management.ts";
import type { FakeOllamaExchange } from "./fake_ollama_exchange.ts";
import type { FakeOllamaBehaviour, FakeOllamaMode } from "./fake_ollama_mode.ts";
import type { FakeOllamaModel } from "./fake_ollama_model.ts";
import type { ReceivedOllamaRequest } from "./fake_ollama_request.ts";

/** What a fake node is, and where it listens. */
export interface FakeOllamaOptions extends FakeOllamaNature {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0, a free one. */
  readonly port?: number;
}

/** A request as it arrived. */
export interface FakeOllamaRequest extends ReceivedOllamaRequest {
  /** Of the body; `undefined` where there was none. */
  readonly model: string | undefined;
  /** When, by `performance.now()`. */
  readonly atMs: number;
}

/** An Ollama that runs no model, and misbehaves when told so. One port; no port is taken while it is stopped. */
export class FakeOllamaNode implements AsyncDisposable {
  /** The latest requests, at least 10,000, in order of arrival. */
  readonly requests: FakeOllamaRequest[] = [];
  /** How many requests came, by path. */
  readonly counts = new Map<string, number>();
  /** Requests that make a model work and are not finished, those that wait inside too. */
  inFlight = 0;
  /** Most that were in flight since {@linkcode forget}. */
  peakInFlight = 0;
  /** Answers that were sent whole, of requests that make a model work. */
  servedCount = 0;
  /** Requests for a model whose client left before its answer was whole; their work was stopped. */
  abortedCount = 0;
  /** Connections that were taken. */
  connectionCount = 0;
  readonly #host: string;
  #port: number;
  readonly #api: FakeOllamaApi;
  readonly #connections = new Set<FakeOllamaConnection>();
  #server: Server | undefined;

  private constructor(options: FakeOllamaOptions) {
    this.#host = options.host ?? "127.0.0.1";
    this.#port = options.port ?? 0;
    this.#api = new FakeOllamaApi(options);
  }

  /** Listens. */
  static async start(options: FakeOllamaOptions = {}): Promise<FakeOllamaNode> {
    const node = new FakeOllamaNode(options);
    await node.startAgain();
    return node;
  }

  /** Stays the same while it is stopped. */
  get port(): number {
    return this.#port;
  }

  /** `http://127.0.0.1:PORT`. */
  get url(): string {
    return `http://${this.#host}:${this.#port}`;
  }

  /** How it pulls, makes and deletes models. */
  get management(): FakeOllamaManagement {
    return this.#api.management;
  }

  /** What it is told to do now. */
  get mode(): FakeOllamaMode {
    return this.#api.mood.mode;
  }

  /** Changes what it does at once, also for requests under way. What hangs goes on when it is told another. */
  behave(mode: FakeOllamaMode, options: Partial<FakeOllamaBehaviour> = {}): void {
    this.#api.mood.behave(mode, options);
    for (const connection of this.#connections) {
      if (mode === "half_open") connection.stopReading();
      else connection.readAgain();
    }
  }

  /** Holds this model from now on; replaces the one of that name. */
  addModel(model: FakeOllamaModel): void {
    this.#api.addModel(model);
  }

  /** Holds it no longer. */
  removeModel(name: string): void {
    this.#api.removeModel(name);
  }

  /** Has a model in memory that it holds, for so long, ms, 5 min by default. */
  load(name: string, keepAliveMs = 300_000): void {
    this.#api.load(name, keepAliveMs);
  }

  /** Sets all counters to zero, and forgets the requests. */
  forget(): void {
    this.requests.length = 0;
    this.counts.clear();
    this.peakInFlight = this.inFlight;
    this.servedCount = 0;
    this.abortedCount = 0;
    this.connectionCount = 0;
  }

  /** Closes the port and all connections, as the death of the process does; memory is empty. May be started again. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const connection of this.#connections) connection.destroy();
    await Promise.all([closed, ...[...this.#connections].map((connection) => connection.closed)]);
    this.#api.forgetMemory();
  }

  /** Listens again on the same port after {@linkcode stop}. */
  async startAgain(): Promise<void> {
    const server = createServer((socket) => this.#take(socket));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject).listen(this.#port, this.#host, resolve);
    await promise;
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Stops it for good. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #take(socket: Socket): void {
    if (this.#server === undefined) return void socket.destroy(); // it was taken while we stopped
    this.connectionCount++;
    const connection = new FakeOllamaConnection(socket, (exchange) => this.#serve(exchange));
    if (this.mode === "half_open") connection.stopReading();
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  async #serve(exchange: FakeOllamaExchange): Promise<void> {
    this.#record(exchange);
    if (!this.#api.isInference(exchange)) return void await this.#api.answer(exchange, false);
    this.inFlight++;
    this.peakInFlight = Math.max(this.peakInFlight, this.inFlight);
    const isServed = await this.#api.answer(exchange, true);
    this.inFlight--;
    if (isServed) this.servedCount++;
    if (exchange.isGone) this.abortedCount++;
  }

  #record({ request }: FakeOllamaExchange): void {
    this.counts.set(request.path, (this.counts.get(request.path) ?? 0) + 1);
    if (this.requests.length >= 2 * REMEMBERED_COUNT) this.requests.splice(0, REMEMBERED_COUNT);
    const model = /"model"\s*:\s*"([^"]*)"/.exec(request.body)?.[1];
    this.requests.push({ ...request, model, atMs: performance.now() });
  }
}

const REMEMBERED_COUNT = 10_000;
