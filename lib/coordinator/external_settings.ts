import type { Config, TimeoutsConfig } from "../config/config.ts";
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
  /** For how long nothing may be heard of it until the requests that it has are given up, ms. */
  readonly lostAfterMs: number;
}

/**
 * The llama-servers of others that a configuration names, that of `coordinator_url` first. That one is also taken for
 * the default model's, by whatever name it lists it.
 */
export function externalSettings(
  config: Pick<Config, "coordinatorUrl" | "coordinators" | "model"> & {
    readonly timeouts: Pick<TimeoutsConfig, "stallMs" | "connectMs">;
  },
): ExternalSettings[] {
  const { coordinatorUrl: url, coordinators, model, timeouts } = config;
  // What still connects was not sent, and fails by itself.
  const lostAfterMs = Math.max(timeouts.stallMs, timeouts.connectMs);
  const first = url === undefined ? [] : [{ url, apiKey: undefined, model, usesList: true, lostAfterMs }];
  return [
    ...first,
    ...coordinators.map((one) => ({ ...one, usesList: one.model === undefined, lostAfterMs })),
  ];
}

/** Whether both say the same of where it is, what it serves and how it is asked. */
export function isSameExternal(a: ExternalSettings, b: ExternalSettings): boolean {
  return a.url === b.url && a.model === b.model && a.usesList === b.usesList && keyOf(a) === keyOf(b);
}

/** The key itself, for a header or a comparison. */
export function keyOf({ apiKey }: ExternalSettings): string | undefined {
  return apiKey?.reveal()[0];
}
