/** Where a page comes from, or a pattern of such places: scheme, host, port. */
const ORIGIN =
  /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<host>\[[0-9a-f:.]+\]|[a-z0-9_.*-]*)(?::(?<port>\d{1,5}|\*))?$/;

/** Browsers leave them out. */
const USUAL_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443" };

/** Of pages that have no place: a sandboxed frame, and in most browsers a file. */
const NOWHERE = "null";

/**
 * Reads an origin, or a pattern of origins, as an operator writes it: `http://chat.home:3000`, `https://*.home`,
 * `http://192.168.1.*:*`, `app://*`, `null`, or `*` for all.
 *
 * @returns It as browsers write it: in lower case, without a port that is usual.
 * @throws {RangeError} If it is none.
 */
export function parseOrigin(text: string): string {
  const origin = text.trim().toLowerCase();
  if (origin === "*" || origin === NOWHERE) return origin;
  const { scheme = "", host = "", port } = ORIGIN.exec(origin)?.groups ?? {};
  const usualPort = USUAL_PORTS[scheme];
  if (scheme === "" || (host === "" && usualPort !== undefined)) {
    throw new RangeError(
      `"${text}" is no origin; write scheme, host and port and no path, such as "http://chat.home:3000"`,
    );
  }
  return `${scheme}://${host}${port === undefined || port === usualPort ? "" : `:${port}`}`;
}

/**
 * Tells which origins are among some. In a host `*` stands for one label or a part of it, in place of a port for any or
 * none, in place of the whole host for any host (and any port, where none is said), and alone for every origin.
 *
 * @param patterns As {@linkcode parseOrigin} gives them.
 */
export function originMatcher(patterns: readonly string[]): (origin: string) => boolean {
  const anyOf = new RegExp(`^(?:${patterns.map(expressionOf).join("|")})$`);
  return (origin) => anyOf.test(origin);
}

function expressionOf(pattern: string): string {
  if (pattern === "*") return ".*";
  const { scheme, host, port } = ORIGIN.exec(pattern)?.groups ?? {};
  if (scheme === undefined || host === undefined) return RegExp.escape(pattern);
  if (host === "*" && port === undefined) return `${RegExp.escape(scheme)}://.*`;
  return `${RegExp.escape(scheme)}://${hostExpression(host)}${portExpression(port)}`;
}

function hostExpression(host: string): string {
  return host === "*" ? "[^:/]+" : host.split(/\*+/).map((part) => RegExp.escape(part)).join("[^.:/]+");
}

function portExpression(port: string | undefined): string {
  if (port === undefined) return "";
  return port === "*" ? String.raw`(?::\d+)?` : `:${port}`;
}
