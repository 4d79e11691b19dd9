import type { UpstreamAddress } from "../../lib/http/address.ts";
import type { HttpBody, HttpRequest, HttpResponse } from "../../lib/http/client.ts";
import { HttpError } from "../../lib/http/error.ts";

/** How a node answers `POST /api/show`; what `waits` is answered at {@linkcode FakeShowHttp.release} as the host behaves then, or ended by its signal. */
export type ShowBehaviour = "refused" | "malformed" | "waits" | "breaks" | {
  readonly status: number;
  readonly text: string;
};

/** Ollama nodes by host name that show their models, without a socket. */
export class FakeShowHttp {
  /** What was asked, as `host model`. */
  readonly asked: string[] = [];
  /** Of the last request. */
  lastRequest: HttpRequest | undefined;
  /** Requests without an answer. */
  waitingCount = 0;
  /** Most of them at a time. */
  peakCount = 0;
  readonly #behaviours = new Map<string, ShowBehaviour>();
  readonly #waiting: (() => void)[] = [];

  /** Every host answers with this text unless told otherwise. */
  constructor(private readonly usual: string) {}

  /** From now on that host behaves so. */
  set(host: string, behaviour: ShowBehaviour): void {
    this.#behaviours.set(host, behaviour);
  }

  /** Answers all requests that wait. */
  release(): void {
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  async send(address: UpstreamAddress, request: HttpRequest): Promise<HttpResponse> {
    const host = address.transport === "tcp" ? address.hostname : "?";
    this.asked.push(`${host} ${JSON.parse(new TextDecoder().decode(request.body as Uint8Array)).model}`);
    this.lastRequest = request;
    const usual = { status: 200, text: this.usual };
    this.peakCount = Math.max(this.peakCount, ++this.waitingCount);
    try {
      await (this.#behaviours.get(host) === "waits"
        ? this.#untilReleased(request.signal!)
        : Promise.resolve());
    } finally {
      this.waitingCount--;
    }
    const behaviour = this.#behaviours.get(host) ?? usual;
    if (behaviour === "breaks") throw new TypeError("a bug");
    if (behaviour === "refused" || behaviour === "malformed") throw failure(behaviour);
    return response(behaviour === "waits" ? usual : behaviour);
  }

  #untilReleased(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      this.#waiting.push(resolve);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }
}

function failure(kind: "refused" | "malformed"): HttpError {
  const answered = kind === "malformed";
  return new HttpError(`Cannot ask: ${kind}`, { phase: "head", kind, sent: answered, answered });
}

function response({ status, text }: { status: number; text: string }): HttpResponse {
  const body: Partial<HttpBody> = { text: () => Promise.resolve(text) };
  return { status, reason: "", headers: [], body: body as HttpBody };
}
