import type { MiddlewareHandler } from "hono";
import { GatewayError } from "../../lib/errors.ts";
import type { AppEnv } from "../app_env.ts";
import { currentMatcher } from "./origins.ts";

/** What {@linkcode admitHosts} goes by; asked at each request. */
export interface HostSettings {
  /** Whether clients must show a key: no page has one of ours by itself. */
  readonly hasKeys: () => boolean;
  /** Origins that the operator allows; one whose host has been asked for lets it in. */
  readonly origins: () => readonly string[];
}

/**
 * For a gateway on loopback: refuses what was sent to the name of a site. A site can have its name lead to this machine
 * once its page is open (DNS rebinding); the browser takes the gateway for the site then, and lets the page read all.
 * Names that no site can have, addresses, and hosts of allowed origins are let in, so is everybody where keys are asked for.
 */
export function admitHosts({ hasKeys, origins }: HostSettings): MiddlewareHandler<AppEnv> {
  const isAllowed = currentMatcher(origins);
  let knownHost = ""; // nearly all ask for the same one
  return function admitHost(c, next) {
    const host = c.req.header("host") ?? "";
    if (host === knownHost || hasKeys()) return next();
    if (isLocal(host)) knownHost = host;
    else if (!isAllowed(`http://${host}`) && !isAllowed(`https://${host}`)) throw notAdmitted(host);
    return next();
  };
}

/** Names without a dot, and those that only a local network has. */
const LOCAL_NAME = /^[^.]*$|\.(?:localhost|local|internal|lan|home\.arpa)$/;

function isLocal(host: string): boolean {
  if (host === "") return true;
  const hostname = URL.parse(`http://${host}`)?.hostname.replace(/\.$/, "");
  return hostname !== undefined && (/^\[|^[\d.]+$/.test(hostname) || LOCAL_NAME.test(hostname));
}

function notAdmitted(host: string): GatewayError {
  const name = JSON.stringify(host.slice(0, 100));
  const origin = JSON.stringify(`http://${host.slice(0, 100)}`);
  const message =
    `This gateway listens on loopback and is not asked for as ${name}; ask by its address, or add ` +
    `${origin} to origins in the gateway's configuration`;
  return new GatewayError("forbidden", message);
}
