import { GatewayError } from "../errors.ts";
import { HttpClient, type HttpResponse } from "../http/client.ts";
import { HttpError } from "../http/error.ts";
import type { HeaderList } from "../http/headers.ts";
import { joinBytes } from "../join_bytes.ts";
import { keptFileShape } from "./batch_shape.ts";
import type { GatewayClient, GatewayRequest } from "./gateway_client.ts";
import { refusalOf } from "./gateway_refusal.ts";
import type { GatewayTarget } from "./gateway_target.ts";

const FILES = "/v1/files";
const CONNECT_TIMEOUT_MS = 2_000;
const HEAD_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const encoder = new TextEncoder();

/** What is sent to a gateway. */
interface Sent {
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

/** The way of large files to and from a gateway. Dispose it to close its connections. */
export class FileTransfer implements Disposable {
  readonly #http = new HttpClient();
  readonly #client: Pick<GatewayClient, "nonsense">;
  readonly #signal: AbortSignal;

  /** Asks nothing yet. The signal ends every transfer with its reason. */
  constructor(
    private readonly target: GatewayTarget,
    { client, signal }: { readonly client: Pick<GatewayClient, "nonsense">; readonly signal: AbortSignal },
  ) {
    this.#client = client;
    this.#signal = signal;
  }

  /** Has a file kept, however long it takes to send it. @returns Its id. @throws {GatewayError} If that is refused. */
  async upload(name: string, content: Uint8Array): Promise<string> {
    const request = { method: "POST", path: FILES, timeoutMs: Infinity };
    const { status, body } = await this.#send(request, formOf(name, content));
    const said = parseJson(await this.#told(body.text(MAX_ANSWER_BYTES)));
    const result = keptFileShape.safeParse(said);
    if (status < 300 && result.success) return result.data.id;
    throw this.#refusal(status, said, request);
  }

  /** The bytes of a file. @throws {GatewayError} `not_found`, or if it does not come whole. */
  async *download(id: string): AsyncGenerator<Uint8Array, void> {
    const request = { method: "GET", path: `${FILES}/${encodeURIComponent(id)}/content` };
    const { status, body } = await this.#send(request);
    try {
      if (status !== 200) {
        throw this.#refusal(status, parseJson(await this.#told(body.text(MAX_ANSWER_BYTES))), request);
      }
      for (let part = await this.#told(body.read()); part !== null; part = await this.#told(body.read())) {
        yield part;
      }
    } finally {
      body.cancel();
    }
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  #send({ method, path, timeoutMs = HEAD_TIMEOUT_MS }: GatewayRequest, sent?: Sent): Promise<HttpResponse> {
    const { address, basePath, key } = this.target;
    return this.#told(this.#http.send(address, {
      method,
      target: basePath + path,
      headers: [
        ["accept", "application/json, application/octet-stream"],
        ...(key === undefined ? [] : [["authorization", `Bearer ${key}`] as const]),
        ...(sent?.headers ?? []),
      ],
      ...(sent && { body: sent.body }),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      ...(timeoutMs < Infinity && { headTimeoutMs: timeoutMs }),
      signal: this.#signal,
    }));
  }

  async #told<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (cause) {
      this.#signal.throwIfAborted();
      if (!(cause instanceof HttpError)) throw cause;
      throw new GatewayError("upstream_failed", `${cause.message}; has the gateway ended? See its log`, {
        cause,
      });
    }
  }

  #refusal(status: number, said: unknown, request: GatewayRequest): GatewayError {
    return (status >= 400 ? refusalOf(said) : undefined) ?? this.#client.nonsense(request, status);
  }
}

/** @see https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data */
function formOf(name: string, content: Uint8Array): Sent {
  const boundary = `sollol-${crypto.randomUUID()}`;
  const shown = name.replaceAll(/["\r\n]/g, encodeURIComponent);
  const head = [
    `--${boundary}`,
    `Content-Disposition: form-data; name="purpose"`,
    "",
    "batch",
    `--${boundary}`,
    `Content-Disposition: form-data; name="file"; filename="${shown}"`,
    "Content-Type: application/jsonl",
    "",
    "",
  ].join("\r\n");
  const body = joinBytes([encoder.encode(head), content, encoder.encode(`\r\n--${boundary}--\r\n`)]);
  return { headers: [["content-type", `multipart/form-data; boundary=${boundary}`]], body };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no gateway: told by whoever finds that it has not the right shape
  }
}
