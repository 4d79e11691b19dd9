import { readUpstreamError } from "./upstream_error.ts";
import type { UpstreamRefusal } from "./client_dialect.ts";

/**
 * What llama-server answers with 500 although the client is at fault: what it cannot read, what the model's template does
 * not take, pictures for a model that does not see, texts to embed that are longer than a batch, and tokens that the
 * vocabulary does not have (`_M_range_check`).
 *
 * @see tools/server/server-common.cpp and common/chat.cpp of llama.cpp
 */
const CLIENTS_FAULT =
  /\[json\.exception|parse error|mmproj|too large to process|Failed to parse (?:messages|tools|input)|Unable to generate parser|jinja|roles must alternate|template|unsupported content|Missing '|Invalid type|' is required|^vector::_M_range_check/i;

/**
 * The status that a client gets for an upstream's refusal: 400 for what is the client's fault or what the upstream cannot
 * do (501), 502 for a key of ours that it does not take, all else as it is.
 */
export function statusForClient({ status, body }: UpstreamRefusal): number {
  if (status === 501) return 400;
  if (status === 401 || status === 403) return 502;
  return status === 500 && CLIENTS_FAULT.test(readUpstreamError(body).message) ? 400 : status;
}

/** The sentence of a refusal; what an upstream says of a key of ours is no business of the client's. */
export function sentenceForClient({ status, body }: UpstreamRefusal): string {
  if (status === 401 || status === 403) {
    return "The upstream does not take the gateway's own key; ask whoever runs the gateway";
  }
  return readUpstreamError(body).message || `The upstream answered ${status} without saying why; ask again`;
}
