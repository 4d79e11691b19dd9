import type { HttpResponse } from "../http/client.ts";
import { endToEndHeaders, type HeaderList, headerValue } from "../http/headers.ts";
import type { AnswerEvents } from "./answer_stream.ts";

/** The answer of an upstream, on its way. */
export interface Answer {
  /** HTTP status, the upstream's own. */
  readonly status: number;
  /** End-to-end headers of the upstream. */
  readonly headers: HeaderList;
  /** Whole, or a stream that the caller reads to its end or cancels. */
  readonly body: Uint8Array | AnswerEvents;
  /** For the client's headers. */
  readonly report: AnswerReport;
}

/** Where the request went and what it waited for; shown in the `x-sollol-*` headers. */
export interface AnswerReport {
  /** What kind of upstream it is. */
  readonly to: "coordinator" | "external" | "node";
  /** Name of the node or coordinator that answers. */
  readonly upstream: string;
  /** Where it is. */
  readonly url: string;
  /** Why it went there, one sentence. */
  readonly because: string;
  /** Upstreams asked, this one included. */
  readonly attemptCount: number;
  /** Waited for others' work, ms. */
  readonly queueMs: number;
  /** Waited for the model to load, ms; 0 if it was ready. */
  readonly loadMs: number;
  /** From the request's arrival until its answer began, ms. */
  readonly durationMs: number;
  /** What the model is called there; `undefined`: as the client called it. */
  readonly modelName: string | undefined;
}

/** Whether an upstream answers by a stream of events or lines. Its refusals are JSON. */
export function isStream({ status, headers }: HttpResponse): boolean {
  return status === 200 &&
    /^(?:text\/event-stream|application\/x-ndjson)/i.test(headerValue(headers, "content-type") ?? "");
}

/** What of the upstream's head is the client's business. */
export function clientHeaders(headers: HeaderList): HeaderList {
  // llama-server allows every origin and names itself: neither is this gateway's policy.
  return endToEndHeaders(headers).filter(([name]) =>
    name !== "server" && !name.startsWith("access-control-")
  );
}
