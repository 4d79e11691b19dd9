import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { GatewayError } from "../../lib/errors.ts";
import type { AppEnv } from "../app_env.ts";

/**
 * Lets in who shows one of the keys, as `Authorization: Bearer` or `x-api-key`. No keys: everybody.
 * Digests are compared in constant time, so that timing tells nothing about a key.
 */
export function authenticate(apiKeys: readonly string[]): MiddlewareHandler<AppEnv> {
  const digests = apiKeys.map(digestOf);
  return async function requireKey(c, next) {
    if (digests.length === 0) return await next();
    const shown = c.req.header("x-api-key") ??
      /^Bearer +(.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (shown === undefined) {
      throw new GatewayError(
        "unauthorized",
        "This gateway wants an API key; send it as Authorization: Bearer KEY",
      );
    }
    const digest = digestOf(shown);
    const isKnown = digests.reduce((found, known) => timingSafeEqual(known, digest) || found, false);
    if (!isKnown) {
      throw new GatewayError("unauthorized", "This API key is not known; check it, or ask the operator");
    }
    await next();
  };
}

function digestOf(key: string): Uint8Array {
  return createHash("sha256").update(key).digest();
}
