import { GatewayError, messageOf } from "../errors.ts";
import { formatDuration } from "../units.ts";

/** Only models that are never stopped could make room. */
export function pinnedInTheWay(
  model: string,
  { pinned, areTooMany }: { readonly pinned: readonly string[]; readonly areTooMany: boolean },
): GatewayError {
  const message =
    `Cannot load "${model}": what would make room for it is held by ${namesOf(pinned)}, which ` +
    `${pinned.length === 1 ? "is" : "are"} pinned; unload ${
      pinned.length === 1 ? "it" : "one"
    }, change pool.pinned, ` +
    `or ${areTooMany ? "raise pool.max_coordinators" : "add rpc backends"}`;
  return new GatewayError("no_capacity", message);
}

/** It failed so often that it is left alone. The last failure gives the code. */
export function gaveUp(
  model: string,
  { count, windowMs, ...failure }: { count: number; windowMs: number } & GivenUp,
): GatewayError {
  const often = `failed ${countOf(count, "time")} within ${formatDuration(windowMs)}, the last time because`;
  return givenUp(model, often, failure);
}

/** It was left alone, was asked for, and failed once more. The failure gives the code. */
export function failedAgain(model: string, failure: GivenUp): GatewayError {
  return givenUp(model, "failed again", failure);
}

/** Why a coordinator is left alone, and for how long requests do not change that, ms. */
export interface GivenUp {
  /** What it failed with the last time. */
  readonly error: unknown;
  /** From now on, ms. */
  readonly pauseMs: number;
}

function givenUp(model: string, how: string, { error, pauseMs }: GivenUp): GatewayError {
  const message =
    `The coordinator of "${model}" ${how}: ${messageOf(error)}. It gets one more try when it is ` +
    `asked for again; when the cause is gone: sollol restart ${model}`;
  const code = error instanceof GatewayError ? error.code : "upstream_failed";
  return new GatewayError(code, message, { cause: error, retryAfterSeconds: toRetryAfterSeconds(pauseMs) });
}

/** It failed just now, which was dear, and is not tried again for each request. What nobody foresaw stays as it is. */
export function tooSoon(model: string, error: unknown, leftMs: number): unknown {
  if (!(error instanceof GatewayError)) return error; // its words are not for clients
  const message = `${error.message}. For the next ${formatDuration(leftMs)} no request has it tried again; ` +
    `to try it at once: sollol load ${model}`;
  const retryAfterSeconds = toRetryAfterSeconds(leftMs);
  return new GatewayError(error.code, message, { cause: error, retryAfterSeconds });
}

/** There is no such coordinator. */
export function notFound(key: string): GatewayError {
  return new GatewayError("not_found", `There is no coordinator of "${key}"; load the model first`);
}

/** `1 request`, `2 requests`. */
export function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Whole seconds, at least one. */
function toRetryAfterSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}

/** `"a"`, `"a" and "b"`. */
export function namesOf(models: readonly string[]): string {
  return new Intl.ListFormat("en").format(models.map((model) => `"${model}"`));
}
