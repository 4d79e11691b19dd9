import type { Clock } from "../clock.ts";
import type { HttpClient, HttpResponse } from "../http/client.ts";
import { headerValue } from "../http/headers.ts";

/** A header's date has whole seconds: it is half a second old on average. */
const MEAN_ROUNDING_MS = 500;

/** An HTTP client that looks at the clock of whoever answers, and how long that takes. */
export class DatedHttp {
  /** How far the other clock is ahead of ours, ms, as the first answer that had a date says; within a second or so. */
  skewMs: number | undefined;
  /** The shortest time from a request to the head of its answer, ms; connecting included. */
  answerMs: number | undefined;

  /** Has seen nobody yet. @param http Stays the caller's. */
  constructor(private readonly http: Pick<HttpClient, "send">, private readonly clock: Clock) {}

  /** As {@linkcode HttpClient.send}. */
  readonly send: HttpClient["send"] = async (address, request) => {
    const startMs = this.clock.monotonic();
    const response = await this.http.send(address, request);
    const tookMs = this.clock.monotonic() - startMs;
    this.answerMs = Math.min(this.answerMs ?? Infinity, tookMs);
    this.skewMs ??= skewIn(response, this.clock.now() - tookMs / 2);
    return response;
  };
}

function skewIn({ headers }: Pick<HttpResponse, "headers">, ourMs: number): number | undefined {
  const date = Date.parse(headerValue(headers, "date") ?? "");
  return Number.isNaN(date) ? undefined : date + MEAN_ROUNDING_MS - ourMs;
}
