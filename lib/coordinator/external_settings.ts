import type { Config } from "../config/config.ts";
import type { Secrets } from "../config/secrets.ts";

/** What the operator says of a llama-server that somebody else starts and stops. */
export interface ExternalSettings {
  /** Where it is, as `parseUpstreamUrl` reads it; tells it from others. */
  readonly url: string;
  /** The key that it asks for. */
  readonly apiKey: Secrets | undefined;
  /** Requests for this model go there, whatever it lists itself: llama-server does not look at a request's model. */
  readonly model: string | undefined;
  /** Whether requests for what it lists itself go there. */
  readonly usesList: boolean;
}

/**
 * The llama-servers of others that a configuration names, that of `coordinator_url` first. That one is also taken for
 * the default model's, by whatever name it lists it.
 */
export function externalSettings(
  config: Pick<Config, "coordinatorUrl" | "coordinators" | "model">,
): ExternalSettings[] {
  const { coordinatorUrl: url, coordinators, model } = config;
  const first = url === undefined ? [] : [{ url, apiKey: undefined, model, usesList: true }];
  return [...first, ...coordinators.map((one) => ({ ...one, usesList: one.model === undefined }))];
}

/** Whether both say the same. */
export function isSameExternal(a: ExternalSettings, b: ExternalSettings): boolean {
  return a.url === b.url && a.model === b.model && a.usesList === b.usesList && keyOf(a) === keyOf(b);
}

/** The key itself, for a header or a comparison. */
export function keyOf({ apiKey }: ExternalSettings): string | undefined {
  return apiKey?.reveal()[0];
}
