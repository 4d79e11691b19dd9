import * as z from "zod";
import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { messageOf } from "../errors.ts";
import { formatAddress, type UpstreamAddress } from "../http/address.ts";
import { HttpClient, type HttpResponse } from "../http/client.ts";
import { jsonIn } from "../json_text.ts";
import { type WorkerReply, type WorkerReport, workerReport } from "../rpc/worker_report.ts";
import { formatDuration } from "../units.ts";

/** What became of one message to the gateway. */
export type BeatOutcome =
  /** It knows of us now. */
  | { readonly kind: "accepted"; readonly reply: WorkerReply }
  /** It cannot be reached, or cannot answer now: that passes by itself. */
  | { readonly kind: "unreachable"; readonly because: string; readonly retryAfterMs: number | undefined }
  /** It does not want us as we are: somebody has to change something, here or there. */
  | { readonly kind: "refused"; readonly because: string };

/** Where the gateway is, and how to talk to it. */
export interface GatewayLinkOptions {
  /** Its address. */
  readonly address: UpstreamAddress;
  /** What every path begins with: `""`, or `/base`. */
  readonly basePath: string;
  /** Under which name it is to know us. */
  readonly name: string;
  /** Sent as `Authorization: Bearer`; `undefined` for none. */
  readonly token: string | undefined;
  /** For the whole of a message and its answer, ms. Default 2 s. */
  readonly timeoutMs?: number;
  /** Times messages. Default: the host's. */
  readonly clock?: Clock;
}

const MAX_ANSWER_BYTES = 256 * 1024;
const LONGEST_RETRY_MS = 60_000;

const NOT_SENT = "this worker's own report is not valid and was not sent, please report it";

const replySchema = z.object({
  timeout_ms: z.number().min(1).max(3_600_000),
  in_use: z.array(z.object({ endpoint: z.string(), holder: z.string() })),
  vanished: z.array(z.object({ endpoint: z.string(), client: z.string() })).optional(),
});

const errorSchema = z.object({
  error: z.union([z.string(), z.object({ message: z.string() }).transform(({ message }) => message)]),
});

/** The worker's side of `PUT` and `DELETE /api/workers/{name}`. Trouble is an outcome, not an exception. */
export class GatewayLink implements Disposable {
  readonly #http = new HttpClient();
  readonly #options: Required<GatewayLinkOptions>;

  /** Sends nothing yet. */
  constructor(options: GatewayLinkOptions) {
    this.#options = { timeoutMs: 2_000, clock: systemClock, ...options };
  }

  /** For logs. */
  get url(): string {
    return formatAddress(this.#options.address) + this.#options.basePath;
  }

  /**
   * Tells the gateway how we are: joins it, or stays with it.
   *
   * A report that breaks the rules of the wire is a bug, or a driver's lie, and is not sent: it is `refused` here.
   *
   * @throws {Error} The signal's reason on abort.
   */
  async report(report: WorkerReport, { signal }: { signal: AbortSignal }): Promise<BeatOutcome> {
    const checked = workerReport.safeParse(report);
    if (!checked.success) {
      const faults = checked.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
      return { kind: "refused", because: `${NOT_SENT}: ${faults.join("; ").slice(0, 500)}` };
    }
    const body = new TextEncoder().encode(JSON.stringify(report));
    return await this.#exchange("PUT", body, signal, readReply);
  }

  /** Tells the gateway that we are gone. @throws {Error} The signal's reason on abort. */
  async leave({ signal }: { signal: AbortSignal }): Promise<BeatOutcome> {
    return await this.#exchange("DELETE", undefined, signal, () => ({ timeout_ms: 1, in_use: [] }));
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  async #exchange(
    method: "PUT" | "DELETE",
    body: Uint8Array | undefined,
    signal: AbortSignal,
    read: (text: string) => WorkerReply | undefined,
  ): Promise<BeatOutcome> {
    const { address, basePath, name, token, timeoutMs, clock } = this.#options;
    using deadline = new Deadline(clock, timeoutMs, { signal });
    try {
      const response = await this.#http.send(address, {
        method,
        target: `${basePath}/api/workers/${encodeURIComponent(name)}`,
        headers: [
          ...(token === undefined ? [] : [["authorization", `Bearer ${token}`] as const]),
          ...(body ? [["content-type", "application/json"] as const] : []),
        ],
        ...(body && { body }),
        signal: deadline.signal,
      });
      const text = await response.body.text(MAX_ANSWER_BYTES);
      if (response.status >= 300) return this.#explain(response, text);
      const reply = read(text);
      return reply
        ? { kind: "accepted", reply }
        : { kind: "refused", because: this.#foreign(response.status) };
    } catch (error) {
      signal.throwIfAborted();
      const because = deadline.hasPassed
        ? `${this.url} did not answer within ${formatDuration(timeoutMs)}`
        : messageOf(error);
      return { kind: "unreachable", because, retryAfterMs: undefined };
    }
  }

  #explain({ status, headers }: HttpResponse, text: string): BeatOutcome {
    const said = wordsOf(text);
    const answers = `${this.url} answers ${status}${said ? ` ("${said}")` : ""}`;
    if (status >= 500 || status === 429 || status === 408) {
      const seconds = Number(headers.find(([name]) => name === "retry-after")?.[1] ?? NaN);
      const retryAfterMs = seconds >= 0 ? Math.min(seconds * 1_000, LONGEST_RETRY_MS) : undefined;
      return { kind: "unreachable", because: answers, retryAfterMs };
    }
    return {
      kind: "refused",
      because: `${answers}: ${ADVICE[status] ?? "check the URL, and what its log says"}`,
    };
  }

  #foreign(status: number): string {
    return `${this.url} answers ${status}, but not as a sollol gateway does; check the URL`;
  }
}

const ADVICE: Readonly<Record<number, string>> = {
  400: "gateway and worker do not understand each other; install the same version of sollol on both",
  401: "it wants a token; give the gateway's by --token-file or SOLLOL_WORKER_TOKEN",
  403: "it does not let this worker join; check the token and the gateway's configuration",
  404: "it knows no workers; check the URL, and that the gateway is of this version of sollol",
  405: "it knows no workers; check the URL, and that the gateway is of this version of sollol",
  413: "the report is larger than it takes; start fewer rpc servers here",
};

function readReply(text: string): WorkerReply | undefined {
  return replySchema.safeParse(jsonIn(text)).data;
}

/** What an error answer says for people; none if it is a web page. */
function wordsOf(text: string): string | undefined {
  const { data } = errorSchema.safeParse(jsonIn(text));
  return data?.error.replaceAll(/\p{C}+/gu, " ").slice(0, 300);
}
