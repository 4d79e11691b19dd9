import { externalSettings } from "../coordinator/external_settings.ts";
import type { Config } from "../config/config.ts";
import { parseUpstreamUrl } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import { HttpError } from "../http/error.ts";
import { fail, type Finding, ok, splitCure, warn } from "./finding.ts";

const TIMEOUT_MS = 2_000;

/** URLs of the llama-servers of others that a configuration names. */
export function externalUrls(config: Config): string[] {
  return externalSettings(config).map(({ url }) => url);
}

/** Whether a llama-server that others run can be asked. `/health` needs no key there. */
export async function examineExternal(
  url: string,
  { http, signal }: { readonly http: Pick<HttpClient, "send">; readonly signal: AbortSignal },
): Promise<Finding> {
  const { address, basePath } = parseUpstreamUrl(url);
  try {
    const { status, body } = await http.send(address, {
      method: "GET",
      target: `${basePath}/health`,
      headers: [],
      signal,
      fresh: true,
      connectTimeoutMs: TIMEOUT_MS,
      headTimeoutMs: TIMEOUT_MS,
    });
    body.cancel();
    if (status === 200) return ok("up", { status });
    if (status === 503) {
      return warn("it loads its model, or has no slot free", "wait, then look into its log", { status });
    }
    return fail(`it answered GET /health with ${status}`, "check that a llama-server is there", { status });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const { seen, cure } = splitCure(error.message, "start it, or correct coordinator_url or coordinators");
    return fail(seen, cure);
  }
}
