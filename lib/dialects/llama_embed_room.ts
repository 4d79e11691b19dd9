import { readUpstreamError } from "./upstream_error.ts";

/**
 * How many tokens of a text llama-server has room for, where it refused one as too long: of its context, or of its
 * batches, which hold a text that is to be embedded as a whole.
 *
 * @param body Of the refusal.
 * @returns `undefined` if it refused something else.
 */
export function roomToldIn(body: Uint8Array): number | undefined {
  const { message, contextSize } = readUpstreamError(body);
  if (contextSize !== undefined) return contextSize;
  const batch = /too large to process.*batch size: (\d{1,9})\)/s.exec(message)?.[1];
  return batch === undefined ? undefined : Number(batch);
}
