import { GatewayError } from "../lib/errors.ts";

/**
 * Reads how many entries of a list are wanted.
 *
 * @param text The query's `limit`; `usual` where there is none.
 * @throws {GatewayError} `invalid_request` if it is no whole number from 1 to `most`.
 */
export function readLimit(
  text: string | undefined,
  { usual, most }: { usual: number; most: number },
): number {
  if (text === undefined) return usual;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= most) return limit;
  const message = `"limit" must be a whole number from 1 to ${most}`;
  throw new GatewayError("invalid_request", message, { field: "limit" });
}
