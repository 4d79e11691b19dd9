import type { Context, MiddlewareHandler } from "hono";
import { GatewayError } from "../../lib/errors.ts";
import type { AppEnv } from "../app_env.ts";
import { clientOf } from "./authenticate.ts";
import { currentMatcher } from "./origins.ts";

/** What {@linkcode admitHosts} goes by; asked at each request. */
export interface HostSettings {
  /** Where the gateway listens: whoever asks for that by name means it. */
  readonly listensAs: () => string;
  /** Origins that the operator allows; one whose host has been asked for lets it in. */
  readonly origins: () => readonly string[];
}

/**
 * Refuses what was sent to the name of a site. A site can have its name lead to this machine once its page is open (DNS
 * rebinding); the browser takes the gateway for the site then, and lets the page read all. Names that no site can have,
 * addresses, and hosts of allowed origins are let in.
 */
export function admitHosts({ listensAs, origins }: HostSettings): MiddlewareHandler<AppEnv> {
  const isAllowed = currentMatcher(origins);
  let knownHost = ""; // nearly all ask for the same one
  return function admitHost(c, next) {
    const host = c.req.header("host") ?? "";
    if (host === knownHost) return next();
    if (isLocal(host)) knownHost = host;
    else if (!isAllowed(`http://${host}`) && !isAllowed(`https://${host}`) && nameIn(host) !== listensAs()) {
      throw notAdmitted(host);
    }
    return next();
  };
}

/** The same for those only who are let in without a key: no page has one of ours by itself. */
export function admitHostsWithoutKey(settings: HostSettings): MiddlewareHandler<AppEnv> {
  const admitHost = admitHosts(settings);
  return function admitHostWithoutKey(c, next) {
    return isLetInWithoutKey(c) ? admitHost(c, next) : next();
  };
}

function isLetInWithoutKey(c: Context<AppEnv>): boolean {
  const { key, scopes } = clientOf(c);
  return key === undefined && scopes.length > 0;
}

/** Names without a dot, and those that only a local network has. */
const LOCAL_NAME = /^[^.]*$|\.(?:localhost|local|internal|lan|home\.arpa)$/;

function isLocal(host: string): boolean {
  if (host === "") return true;
  const hostname = nameIn(host);
  return hostname !== undefined && (/^\[|^[\d.]+$/.test(hostname) || LOCAL_NAME.test(hostname));
}

function nameIn(host: string): string | undefined {
  return URL.parse(`http://${host}`)?.hostname.replace(/\.$/, "");
}

function notAdmitted(host: string): GatewayError {
  const name = JSON.stringify(host.slice(0, 100));
  const origin = JSON.stringify(`http://${host.slice(0, 100)}`);
  const message =
    `This gateway is not known to be called ${name}, which a web page could have lead here; ask by its ` +
    `address, or add ${origin} to origins in the gateway's configuration`;
  return new GatewayError("forbidden", message);
}
