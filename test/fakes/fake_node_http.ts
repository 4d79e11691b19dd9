import type { UpstreamAddress } from "../../lib/http/address.ts";
import type { HttpBody, HttpRequest, HttpResponse } from "../../lib/http/client.ts";
import type { HttpError } from "../../lib/http/error.ts";
import { httpError } from "../../lib/http/failure.ts";
import type { HeaderList } from "../../lib/http/headers.ts";

/** An answer to one path. */
export interface FakeAnswer {
  readonly status?: number;
  readonly text?: string;
  readonly headers?: HeaderList;
}

/** How one Ollama answers; what is left out is as with one that is well. */
export interface NodeBehaviour {
  /** `waits`: its version does not come until the release, whatever its signal says. */
  readonly as?: "refused" | "silent" | "waits";
  readonly version?: FakeAnswer;
  /** Names of models, or a whole answer. */
  readonly tags?: readonly (string | Record<string, unknown>)[] | FakeAnswer;
  readonly ps?: readonly Record<string, unknown>[] | FakeAnswer;
}

/** Ollama nodes on ports 1, 2, …, without a socket. */
export class FakeNodeHttp {
  /** What was asked, as `port target`. */
  readonly asked: string[] = [];
  /** The last request. */
  last: HttpRequest | undefined;
  readonly #behaviours = new Map<number, NodeBehaviour>();
  readonly #waiting: (() => void)[] = [];

  /** From now on that node behaves so. */
  set(port: number, behaviour: NodeBehaviour): void {
    this.#behaviours.set(port, behaviour);
  }

  /** Lets all requests go on that wait. */
  release(): void {
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  async send(address: UpstreamAddress, request: HttpRequest): Promise<HttpResponse> {
    const port = address.transport === "tcp" ? address.port : 0;
    this.asked.push(`${port} ${request.target}`);
    this.last = request;
    const { as, version, tags = ["big"], ps = [] } = this.#behaviours.get(port) ?? {};
    if (as === "refused") throw refusedBy(port);
    if (as === "silent") await untilAbortedThrows(request.signal!);
    const isVersion = request.target.endsWith("/api/version");
    if (as === "waits" && isVersion) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (isVersion) return response(version ?? { text: `{"version":"0.33.0"}` });
    const list = request.target.endsWith("/api/tags") ? tags : ps;
    return response(isList(list) ? { text: JSON.stringify({ models: list.map(modelOf) }) } : list);
  }
}

/** What a request gets that nobody listens for. */
export function refusedBy(port: number): HttpError {
  return failedBy(port, { kind: "refused", phase: "connect", sent: false });
}

/** What a request gets whose answer breaks off. */
export function brokenOffBy(port: number): HttpError {
  return failedBy(port, { kind: "closed", phase: "head", sent: true });
}

/** What a request gets that fails so. */
export function failedBy(
  port: number,
  facts: Pick<HttpError, "kind" | "phase" | "sent">,
): HttpError {
  return httpError(`http://x:${port}`, facts.kind, { ...facts, answered: false });
}

function isList<T>(value: readonly T[] | FakeAnswer): value is readonly T[] {
  return Array.isArray(value);
}

function modelOf(said: string | Record<string, unknown>): Record<string, unknown> {
  return typeof said === "string" ? { name: said, model: said, digest: "a".repeat(64), size: 1_000 } : said;
}

function response({ status = 200, text = "", headers = [] }: FakeAnswer): HttpResponse {
  const body: Partial<HttpBody> = { text: () => Promise.resolve(text), cancel: () => {} };
  return { status, reason: "", headers, body: body as HttpBody };
}

function untilAbortedThrows(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
