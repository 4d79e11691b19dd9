import type { Clock } from "../clock.ts";
import { parseUpstreamUrl } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import { checkNode } from "../nodes/node_check.ts";
import { headersOf } from "../nodes/node_settings.ts";
import { formatDuration } from "../units.ts";
import { describeSkew, SKEW_CURE } from "./clock_skew.ts";
import { DatedHttp } from "./dated_http.ts";
import { fail, type Finding, ok, skip, splitCure, warn } from "./finding.ts";
import type { NamedOllama } from "./known_nodes.ts";

/** With what nodes are asked. */
export interface AskNodeOptions {
  /** Stays the caller's. */
  readonly http: Pick<HttpClient, "send">;
  /** Time. */
  readonly clock: Clock;
  /** Ends the asking. */
  readonly signal: AbortSignal;
}

/** Whether an Ollama node answers, what it holds, and whether its clock goes like ours. */
export async function examineNode(
  { url, apiKey, canWake }: NamedOllama,
  { http, clock, signal }: AskNodeOptions,
): Promise<Finding> {
  const dated = new DatedHttp(http, clock);
  const target = { ...parseUpstreamUrl(url), headers: headersOf({ apiKey }) };
  const found = await checkNode(target, { http: dated, clock, signal });
  if (found.health === "down") {
    const isAsleep = canWake && found.cause !== "unfit";
    if (isAsleep) return skip(`it is off, and is woken when it is needed`);
    const { seen, cure } = splitCure(
      found.reason,
      "check that Ollama runs there and that OLLAMA_HOST lets us in",
    );
    return fail(seen, cure, { health: "down", cause: found.cause });
  }
  const { version, listed, resident } = found;
  const modelCount = listed.models.size;
  const { answerMs, skewMs } = dated;
  const figures = {
    health: "up",
    version,
    modelCount,
    loadedCount: resident?.size,
    answerMs,
    clockSkewMs: skewMs,
  };
  const seen = `up, Ollama ${version}, ${modelCount === 1 ? "1 model" : `${modelCount} models`}` +
    (answerMs === undefined ? "" : `, answers in ${formatDuration(answerMs)}`);
  const skew = describeSkew(skewMs);
  if (skew !== undefined) return warn(`${seen}; ${skew}`, SKEW_CURE, figures);
  if (modelCount === 0) return warn(seen, "pull one there: ollama pull llama3.2", figures);
  return ok(seen, figures);
}
