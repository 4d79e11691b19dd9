import { GatewayError } from "../lib/errors.ts";

/**
 * Refuses what a page of another site has a browser send. Browsers ask nobody before they send a form, so any page that
 * somebody on this network opens could fill the disk, or end what runs; they do say whose page it is.
 *
 * @throws {GatewayError} `forbidden`.
 */
export function refuseOtherSites(request: Request): void {
  const origin = request.headers.get("origin");
  if (origin === null || URL.parse(origin)?.host === new URL(request.url).host) return;
  throw new GatewayError(
    "forbidden",
    `Pages of ${JSON.stringify(origin.slice(0, 100))} may not do that here; do it from a program`,
  );
}
