/** Header lines in their order. Names are lower-case when they were read from an upstream. */
export type HeaderList = ReadonlyArray<readonly [name: string, value: string]>;

/**
 * Headers that concern one connection only and are never passed on, beside those that `Connection` names.
 *
 * @see RFC 9110 section 7.6.1
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * The value of a header, or undefined; several lines of one name are joined by `", "`.
 *
 * @param name Lower-case.
 */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  let joined: string | undefined;
  for (const [candidate, value] of headers) {
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
    joined = joined === undefined ? value : `${joined}, ${value}`;
  }
  return joined;
}

/** The headers that may be passed on: without the hop-by-hop ones and those that `Connection` names. */
export function endToEndHeaders(headers: HeaderList): HeaderList {
  const named = listedTokens(headerValue(headers, "connection"));
  return headers.filter(([name]) => {
    const lower = name.toLowerCase();
    return !HOP_BY_HOP.has(lower) && !named.includes(lower);
  });
}

/** The lower-cased members of a comma-separated list such as `Connection: Keep-Alive, X-Trace`. */
export function listedTokens(value: string | undefined): string[] {
  if (value === undefined) return [];
  return value.toLowerCase().split(",").map((token) => token.trim()).filter((token) => token !== "");
}
