import type { Config } from "../config/config.ts";
import type { Clock } from "../clock.ts";
import { DatedHttp } from "../doctor/dated_http.ts";
import type { GatewayWitness, GatewayWord, Testimony } from "../doctor/gateway_witness.ts";
import { GatewayError } from "../errors.ts";
import type { HttpClient } from "../http/client.ts";
import { HttpError } from "../http/error.ts";
import { type CliHost, UsageError } from "./command.ts";
import { GatewayApi } from "./gateway_api.ts";
import { findGateway, type GatewayTarget } from "./gateway_target.ts";
import { troublesOf } from "./gateway_troubles.ts";

/** With what a gateway is asked. */
export interface WitnessOptions {
  /** `--gateway` and `--token`. */
  readonly options: { readonly gateway: string | undefined; readonly token: string | undefined };
  /** Says where it is if `--gateway` does not. */
  readonly config: Pick<Config, "apiKeys" | "listen">;
  /** Variables of the process. */
  readonly env: CliHost["env"];
  /** Stays the caller's. */
  readonly http: Pick<HttpClient, "send">;
  /** Time. */
  readonly clock: Clock;
}

/**
 * The gateway that a doctor asks, found as every command finds it.
 *
 * @returns `undefined` if nobody says where it is: the system chooses its port.
 * @throws {UsageError} If `--gateway` is no URL, or the key is none.
 */
export function gatewayWitness(
  { options, config, env, http, clock }: WitnessOptions,
): GatewayWitness | undefined {
  if (options.gateway === undefined && config.listen.port === 0) return undefined;
  const target = findGateway(options, config, env);
  return {
    url: target.url,
    isNamed: options.gateway !== undefined,
    async ask(signal) {
      using api = GatewayApi.of(options, config, { env, signal });
      try {
        const [word, skewMs] = await Promise.all([readWord(api), readSkew(target, { http, clock, signal })]);
        return { ...word, skewMs };
      } catch (error) {
        signal.throwIfAborted();
        return testimonyOf(error);
      }
    },
  };
}

async function readWord(api: GatewayApi): Promise<Omit<GatewayWord, "skewMs">> {
  const [state, { nodes }, rpcBackends, coordinators, externalCoordinators, models, workers] = await Promise
    .all([
      api.getState(),
      api.listNodes(),
      api.listBackends(),
      api.listCoordinators(),
      api.listExternals(),
      api.listModels(),
      api.listWorkers(),
    ]);
  const all = troublesOf({
    url: api.url,
    ...state,
    nodes,
    rpcBackends,
    coordinators,
    externalCoordinators,
    models,
  });
  const names = [...nodes.map(({ name }) => `Node ${name} `), ...rpcBackends.map(({ endpoint }) => endpoint)];
  return {
    kind: "told",
    version: state.version,
    backends: rpcBackends,
    nodes,
    workers: workers.map(({ name }) => name),
    troubles: all.filter((trouble) => !names.some((name) => trouble.includes(name))), // these are looked at one by one
  };
}

/** What a gateway's own clock says is worth no failure. */
async function readSkew(
  { address, basePath }: GatewayTarget,
  { http, clock, signal }: Pick<WitnessOptions, "http" | "clock"> & { signal: AbortSignal },
): Promise<number | undefined> {
  const dated = new DatedHttp(http, clock);
  try {
    const { body } = await dated.send(address, {
      method: "GET",
      target: `${basePath}/health`,
      headers: [],
      signal,
      fresh: true,
      connectTimeoutMs: 2_000,
    });
    body.cancel();
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
  }
  return dated.skewMs;
}

function testimonyOf(error: unknown): Testimony {
  if (!(error instanceof GatewayError || error instanceof UsageError)) throw error;
  const { message, cause } = error;
  if (cause instanceof HttpError && cause.kind === "refused") return { kind: "absent", reason: message };
  const code = error instanceof GatewayError ? error.code : undefined;
  return { kind: "silent", isGateway: code === "unauthorized" || code === "forbidden", reason: message };
}
