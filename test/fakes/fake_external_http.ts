import type { UpstreamAddress } from "../../lib/http/address.ts";
import type { HttpBody, HttpRequest, HttpResponse } from "../../lib/http/client.ts";
import type { HttpError } from "../../lib/http/error.ts";
import { httpError } from "../../lib/http/failure.ts";

/** How one llama-server answers; what is left out is as with one that is well. */
export interface ExternalBehaviour {
  /** `refused` and `silent` are about the connection; a status is that of `GET /v1/models`, which also is what `waits`, deaf to its signal. */
  readonly models?: "refused" | "silent" | "waits" | readonly string[] | { status: number; text: string };
  /** Of `GET /props`; `undefined` is a 404. */
  readonly slotCount?: number | undefined;
  /** Of `GET /props`, instead. */
  readonly props?: { status: number; text: string };
}

/** llama-servers on ports 1, 2, …, without a socket. */
export class FakeExternalHttp {
  /** What was asked, as `port target`. */
  readonly asked: string[] = [];
  /** The headers of the last request. */
  lastHeaders: Record<string, string> = {};
  readonly #behaviours = new Map<number, ExternalBehaviour>();
  readonly #waiting: (() => void)[] = [];

  /** From now on that server behaves so. */
  set(port: number, behaviour: ExternalBehaviour): void {
    this.#behaviours.set(port, behaviour);
  }

  /** Lets all requests go on that wait. */
  release(): void {
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  async send(address: UpstreamAddress, { target, headers = [], signal }: HttpRequest): Promise<HttpResponse> {
    const port = address.transport === "tcp" ? address.port : 0;
    this.asked.push(`${port} ${target}`);
    this.lastHeaders = Object.fromEntries(headers);
    const { models = ["big"], slotCount, props } = this.#behaviours.get(port) ?? {};
    if (models === "waits" && target.endsWith("/models")) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (models === "silent") await untilAbortedThrows(signal!);
    if (models === "refused") throw refusedBy(port);
    if (target.endsWith("/props")) {
      if (props) return response(props);
      if (slotCount === undefined) return response({ status: 404, text: "" });
      return response({ status: 200, text: JSON.stringify({ total_slots: slotCount }) });
    }
    if (typeof models === "object" && "status" in models) return response(models);
    const names = models === "waits" ? ["big"] : models as readonly string[];
    return response({ status: 200, text: JSON.stringify({ data: names.map((id) => ({ id })) }) });
  }
}

/** What a request gets that nobody listens for. */
export function refusedBy(port: number): HttpError {
  return httpError(`http://x:${port}`, "Connection refused; check that it runs and listens there", {
    phase: "connect",
    kind: "refused",
    sent: false,
    answered: false,
  });
}

/** What a request gets whose answer breaks off. */
export function brokenOffBy(port: number): HttpError {
  return httpError(`http://x:${port}`, "the peer closed the connection", {
    phase: "head",
    kind: "closed",
    sent: true,
    answered: false,
  });
}

function response({ status, text }: { status: number; text: string }): HttpResponse {
  const body: Partial<HttpBody> = { text: () => Promise.resolve(text) };
  return { status, reason: "", headers: [], body: body as HttpBody };
}

function untilAbortedThrows(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
