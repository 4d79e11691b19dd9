import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { GatewayError } from "../errors.ts";
import { HttpClient, type HttpResponse } from "../http/client.ts";
import { HttpError } from "../http/error.ts";
import { headerValue } from "../http/headers.ts";
import type { JsonShape } from "../json_shape.ts";
import type { SseEvent } from "../stream/sse_event.ts";
import { SseReader } from "../stream/sse_reader.ts";
import { formatDuration } from "../units.ts";
import { refusalOf } from "./gateway_refusal.ts";
import type { GatewayTarget } from "./gateway_target.ts";

/** Longer than the gateway waits for the first verdict of a backend. */
const TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** A hundred nodes with a thousand models each are told of in 27 MiB. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;
/** The gateway shows every 15 s that a stream still lives. */
const MAX_SILENCE_MS = 45_000;

/** One request to the admin API. */
export interface GatewayRequest {
  /** Such as `GET`. */
  readonly method: string;
  /** With its query, below the gateway's base path. */
  readonly path: string;
  /** Sent as JSON; fields that are `undefined` are left out. */
  readonly body?: unknown;
  /** For how long the answer's head may take, ms; `Infinity` for as long as it takes. Default 10 s. */
  readonly timeoutMs?: number;
}

/** The way to the admin API of a gateway that runs. Dispose it to close its connections. */
export class GatewayClient implements Disposable {
  readonly #http = new HttpClient();
  readonly #signal: AbortSignal;
  readonly #clock: Clock;

  /**
   * Asks nothing yet.
   *
   * @param options With `signal`, which ends every request with its reason; and the clock, default the host's.
   */
  constructor(
    private readonly target: GatewayTarget,
    { signal, clock = systemClock }: { readonly signal: AbortSignal; readonly clock?: Clock },
  ) {
    this.#signal = signal;
    this.#clock = clock;
  }

  /** Where the gateway is, for people. */
  get url(): string {
    return this.target.url;
  }

  /** Asks for JSON of a shape. @throws {GatewayError} If the gateway refuses, is none, or cannot be reached. */
  async ask<T>(request: GatewayRequest, shape: JsonShape<T>): Promise<T> {
    const { status, body } = await this.#send(request, "application/json", this.#signal);
    const said = parseJson(await this.#told(body.text(MAX_ANSWER_BYTES)));
    const result = shape.safeParse(said);
    if (status < 300 && result.success) return result.data;
    throw this.#refusal(status, said, request);
  }

  /** Asks for text. @throws {GatewayError} If the gateway refuses, is none, or cannot be reached. */
  async askText(path: string): Promise<string> {
    const request = { method: "GET", path };
    const response = await this.#send(request, "text/plain", this.#signal);
    const text = await this.#told(response.body.text(MAX_ANSWER_BYTES));
    if (response.status < 300 && hasType(response, "text/plain")) return text;
    throw this.#refusal(response.status, parseJson(text), request);
  }

  /**
   * Listens to server-sent events until the gateway ends them, the loop over them ends, or `until` aborts.
   *
   * @throws {GatewayError} If the gateway refuses, tells of an error amid them, or is not heard of any more.
   */
  async *listen(
    path: string,
    { until = this.#signal }: { until?: AbortSignal } = {},
  ): AsyncGenerator<SseEvent, void> {
    const request = { method: "GET", path };
    try {
      const response = await this.#send(request, "text/event-stream", AbortSignal.any([this.#signal, until]));
      if (response.status >= 300 || !hasType(response, "text/event-stream")) {
        const text = await this.#told(response.body.text(MAX_ANSWER_BYTES));
        throw this.#refusal(response.status, parseJson(text), request);
      }
      yield* this.#events(response.body, request);
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!until.aborted) throw error;
    }
  }

  /** What to say of an answer that makes no sense: it comes from no gateway of this version. */
  nonsense({ method, path }: GatewayRequest, status = 200): GatewayError {
    const message =
      `${this.target.url} answered ${status} to ${method} ${path} as no sollol gateway of this ` +
      "version does; check --gateway, and the version there";
    return new GatewayError("upstream_failed", message);
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  async *#events(body: HttpResponse["body"], request: GatewayRequest): AsyncGenerator<SseEvent, void> {
    const reader = new SseReader();
    try {
      for (let bytes = await this.#heard(body); bytes !== null; bytes = await this.#heard(body)) {
        for (const event of reader.push(bytes)) {
          if (event.type === "error") throw this.#refusal(500, parseJson(event.data), request);
          yield event;
        }
      }
    } catch (error) {
      throw error instanceof RangeError ? this.nonsense(request) : error; // an event without end
    } finally {
      body.cancel();
    }
  }

  /** The next bytes of a stream that is never silent for long. */
  async #heard(body: HttpResponse["body"]): Promise<Uint8Array | null> {
    using silence = new Deadline(this.#clock, MAX_SILENCE_MS);
    silence.signal.addEventListener("abort", () => body.cancel(), { once: true });
    try {
      return await this.#told(body.read());
    } catch (cause) {
      if (!silence.hasPassed) throw cause;
      const message = `Nothing was heard of ${this.target.url} for ${formatDuration(MAX_SILENCE_MS)}; ` +
        "check the host, the network and the gateway's log";
      throw new GatewayError("upstream_timeout", message, { cause });
    }
  }

  async #send(request: GatewayRequest, accept: string, signal: AbortSignal): Promise<HttpResponse> {
    const { address, basePath, key } = this.target;
    const { method, path, body, timeoutMs = TIMEOUT_MS } = request;
    return await this.#told(this.#http.send(address, {
      method,
      target: basePath + path,
      headers: [
        ["accept", accept],
        ...(key === undefined ? [] : [["authorization", `Bearer ${key}`] as const]),
        ...(body === undefined ? [] : [["content-type", "application/json"] as const]),
      ],
      ...(body !== undefined && { body: new TextEncoder().encode(JSON.stringify(body)) }),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      ...(timeoutMs < Infinity && { headTimeoutMs: timeoutMs }),
      signal,
    }));
  }

  /** What the gateway gives; what keeps it from giving it is told in the words of the command line. */
  async #told<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw error instanceof HttpError ? unreachable(this.target.url, error) : error;
    }
  }

  #refusal(status: number, said: unknown, request: GatewayRequest): GatewayError {
    return (status >= 400 ? refusalOf(said) : undefined) ?? this.nonsense(request, status);
  }
}

function unreachable(url: string, cause: HttpError): GatewayError {
  const message = cause.kind === "refused"
    ? `No gateway runs at ${url}; start it with "sollol serve", or say where it is with --gateway URL`
    : cause.phase === "body"
    ? `${cause.message}; has the gateway ended? See its log`
    : `${cause.message}; is this the gateway? Say where it is with --gateway URL`;
  return new GatewayError("upstream_failed", message, { cause });
}

function hasType({ headers }: HttpResponse, type: string): boolean {
  return (headerValue(headers, "content-type") ?? "").toLowerCase().startsWith(type);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no gateway: told by whoever finds that it has not the right shape
  }
}
