import type { Context, MiddlewareHandler } from "hono";
import { GatewayError } from "../../lib/errors.ts";
import { originMatcher } from "../../lib/net/origin.ts";
import type { AppEnv } from "../app_env.ts";

/** The visitor's own machine. */
const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"];

/** Pages on the visitor's own machine, and desktop apps: those that Ollama lets in. */
const USUAL_ORIGINS = [
  ...LOOPBACK_HOSTS.map((host) => `http://${host}:*`),
  ...LOOPBACK_HOSTS.map((host) => `https://${host}:*`),
  ...["app", "file", "tauri", "vscode-webview", "vscode-file"].map((scheme) => `${scheme}://*`),
];

/**
 * Lets web pages in that may use the gateway, and browsers know it; refuses all others. Browsers ask nobody before they
 * send a form or a text: any page that somebody on this network opens could use the gateway, and end what runs. They do
 * say whose page it is.
 *
 * @param origins Those that the operator allows beside the usual ones, as `parseOrigin` gives them; asked at each
 *   request of a page, and gives another list for other origins.
 */
export function admitOrigins(origins: () => readonly string[]): MiddlewareHandler<AppEnv> {
  const isAllowed = currentMatcher(origins);
  return function admitOrigin(c, next) {
    const origin = c.req.header("origin");
    if (!origin) return next();
    if (isAllowed(origin)) {
      return isPreflight(c) ? Promise.resolve(preflightAnswer(origin, c)) : answerTo(origin, c, next);
    }
    if (isOwn(origin, c)) return next();
    throw notAdmitted(origin);
  };
}

/** Tells which origins are let in at the moment: the usual ones, and those that the operator allows. */
export function currentMatcher(origins: () => readonly string[]): (origin: string) => boolean {
  let known: readonly string[] | undefined;
  let matches: (origin: string) => boolean;
  return (origin) => {
    const current = origins();
    if (current !== known) matches = originMatcher([...USUAL_ORIGINS, ...current]);
    known = current;
    return matches(origin);
  };
}

/** Whether the page came from where it asks now. */
function isOwn(origin: string, c: Context<AppEnv>): boolean {
  return URL.parse(origin)?.host === new URL(c.req.url).host;
}

function notAdmitted(origin: string): GatewayError {
  const page = JSON.stringify(origin.slice(0, 100));
  const message =
    `Pages of ${page} may not use this gateway; add it to origins in the gateway's configuration`;
  return new GatewayError("forbidden", message);
}

/** Whether a browser asks what a page may send. It shows no key then. */
function isPreflight(c: Context<AppEnv>): boolean {
  return c.req.method === "OPTIONS" && c.req.header("access-control-request-method") !== undefined;
}

function preflightAnswer(origin: string, c: Context<AppEnv>): Response {
  const headers = c.req.header("access-control-request-headers");
  return c.body(null, 204, {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    ...(headers !== undefined && { "access-control-allow-headers": headers }),
    "access-control-max-age": "43200", // as Ollama; what a page then sends is judged anew
    "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
  });
}

async function answerTo(origin: string, c: Context<AppEnv>, next: () => Promise<void>): Promise<void> {
  await next(); // errors are answers by then
  const { headers } = c.res;
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", "*"); // the page may read where the answer came from
  headers.append("vary", "Origin");
}
