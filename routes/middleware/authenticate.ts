import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { GatewayError } from "../../lib/errors.ts";
import type { AppEnv } from "../app_env.ts";

/** Keys are compared in a field of this size, so that the time tells nothing about them. Longer ones are refused. */
const MAX_KEY_BYTES = 512;

/** Lets in who shows one of the keys, as `Authorization: Bearer` or `x-api-key`. No keys: everybody. */
export function authenticate(apiKeys: readonly string[]): MiddlewareHandler<AppEnv> {
  const known = apiKeys.map((key) => padded(key) ?? tooLong());
  return async function requireKey(c, next) {
    if (known.length > 0) check(c.req.header("x-api-key") ?? bearer(c.req.header("authorization")), known);
    await next();
  };
}

function bearer(authorization: string | undefined): string | undefined {
  return /^Bearer +(.+)$/i.exec(authorization ?? "")?.[1];
}

function check(shown: string | undefined, known: readonly Uint8Array[]): void {
  if (shown === undefined) {
    throw new GatewayError(
      "unauthorized",
      "This gateway wants an API key; send it as Authorization: Bearer KEY",
    );
  }
  const field = padded(shown);
  let isKnown = false;
  if (field) { for (const key of known) isKnown = timingSafeEqual(key, field) || isKnown; }
  if (!isKnown) {
    throw new GatewayError("unauthorized", "This API key is not known; check it, or ask the operator");
  }
}

const encoder = new TextEncoder();

/** The key and its length in a field of constant size. */
function padded(key: string): Uint8Array | undefined {
  const field = new Uint8Array(MAX_KEY_BYTES + 2);
  const { read, written } = encoder.encodeInto(key, field.subarray(2));
  if (read < key.length) return undefined;
  field[0] = written >> 8;
  field[1] = written & 255;
  return field;
}

function tooLong(): never {
  throw new RangeError(`An API key is longer than ${MAX_KEY_BYTES} bytes; choose a shorter one`);
}
