import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { GatewayError } from "../errors.ts";
import type { UpstreamAddress } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import type { HeaderList } from "../http/headers.ts";
import { findLlamaCpp, requireProgram } from "../llama_cpp/find.ts";
import { rpcProtocolOf } from "../llama_cpp/rpc_protocol.ts";
import type { Logger } from "../log.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { formatEndpoint, parseEndpoint } from "../rpc/endpoint.ts";
import type { ParkedProbes } from "../rpc/parked_probes.ts";
import { probeAll } from "../rpc/probe_all.ts";
import { openGguf } from "../store/gguf_file.ts";
import type { GgufHeaderCache } from "../store/gguf_header_cache.ts";
import { Coordinator } from "./coordinator.ts";
import type { Diagnose } from "./diagnosis.ts";
import type { VerifiedPlacement } from "./placement_check.ts";
import { planLaunch } from "./plan_launch.ts";
import type { ServingCoordinator } from "./serving.ts";
import { watchForStall } from "./stall_watch.ts";
import { leftOutNote, surveysOf } from "./survey.ts";

/** What a {@linkcode ShardedCoordinator} is started with, the same for every model. */
export interface ShardedStartOptions {
  /** Backends, launch options and timeouts, as the operator wants them. */
  readonly config: Pick<Config, "rpcBackends" | "coordinator" | "llamaCpp" | "timeouts">;
  /** Where llama.cpp is looked for. */
  readonly env: Environment;
  /** Stays the caller's to dispose. */
  readonly http: HttpClient;
  /** Gets the plan, the start and the death. */
  readonly logger: Logger;
  /** Keeps probes of held backends from harming them. */
  readonly parked: ParkedProbes;
  /** Saves reading a model's header again at its next start. */
  readonly headers: GgufHeaderCache;
}

/** A model spread over rpc backends, with the coordinator that serves it. */
export class ShardedCoordinator implements ServingCoordinator {
  readonly upstream: string;
  readonly headers: HeaderList;

  private constructor(
    readonly key: string,
    readonly because: string,
    private readonly coordinator: Coordinator,
  ) {
    this.upstream = `coordinator of ${coordinator.model}`;
    this.headers = [["authorization", `Bearer ${coordinator.apiKey}`]];
  }

  /**
   * Probes the backends, plans the model's layers over those that are up, starts llama-server and verifies that
   * the layers are where they were planned. No coordinator of ours may hold a backend meanwhile.
   *
   * @throws {GatewayError} With the backend at fault and what to do: `backend_unreachable`, `no_capacity`,
   *   `insufficient_memory`, `model_unusable`, `load_timeout`, `upstream_failed`.
   * @throws The signal's reason, once it aborted; nothing is left running then.
   */
  static async start(
    model: ResolvedModel,
    options: ShardedStartOptions,
    signal: AbortSignal,
  ): Promise<ShardedCoordinator> {
    const { config, env, headers, http, logger, parked } = options;
    const programs = await findLlamaCpp({ ...config.llamaCpp, env });
    const program = requireProgram(programs.llamaServer);
    const wantVersion = await rpcProtocolOf(program);
    const { model: content } = await openGguf(model.modelPath, { signal, cache: headers });
    if (content.kind !== "model") {
      const message =
        `Cannot serve "${model.name}": its file is a ${content.kind}, not a model; pull the model itself`;
      throw new GatewayError("model_unusable", message);
    }
    const diagnose: Diagnose = async (endpoints, deadline) => {
      const results = await probeAll(endpoints.map((endpoint) => parseEndpoint(endpoint)), {
        ...deadline,
        parked,
      });
      return results.map(({ endpoint, verdict, reason }) => ({
        endpoint: formatEndpoint(endpoint),
        verdict,
        reason,
      }));
    };
    const { probeMs, stallMs } = config.timeouts;
    const surveys = surveysOf(
      await probeAll(config.rpcBackends, {
        timeoutMs: probeMs,
        parked,
        signal,
        ...(wantVersion && { wantVersion }),
      }),
    );
    let firstFailure: unknown;
    for (const survey of surveys) {
      try {
        const launch = planned(model, () => planLaunch(model, content, survey, config.coordinator, program));
        const because = launch.placement.because + leftOutNote(survey);
        logger.info("coordinator planned", { model: model.name, because });
        const coordinator = await Coordinator.start(launch, { signal, logger, http, diagnose });
        void watch(coordinator, stallMs, logger);
        return new ShardedCoordinator(model.key, because, coordinator);
      } catch (error) {
        signal.throwIfAborted();
        firstFailure ??= error;
        const mayBeOfOtherVersion = error instanceof GatewayError && error.code === "backend_unreachable";
        if (!mayBeOfOtherVersion) break;
      }
    }
    throw firstFailure;
  }

  /** Where its llama-server answers. */
  get address(): UpstreamAddress {
    return this.coordinator.address;
  }

  get dead(): AbortSignal {
    return this.coordinator.dead;
  }

  get gone(): AbortSignal {
    return this.coordinator.gone;
  }

  /** Where the layers are, as llama.cpp confirmed it. */
  get placement(): VerifiedPlacement {
    return this.coordinator.placement;
  }

  stop(): Promise<void> {
    return this.coordinator.stop();
  }
}

/** A coordinator whose backend hangs answers nobody any more, and would never say so. */
async function watch(coordinator: Coordinator, stallMs: number, logger: Logger): Promise<void> {
  const slots = (signal: AbortSignal) => coordinator.slots(signal);
  const fault = await watchForStall({ slots, stallMs, signal: coordinator.dead, clock: systemClock });
  if (fault === undefined) return;
  logger.warn("coordinator stalled", { model: coordinator.model, pid: coordinator.pid, fault });
  coordinator.abandon(fault);
}

/** A value that llama.cpp could not take, such as a KV type that does not fit the width of the heads. */
function planned<T>({ name }: ResolvedModel, plan: () => T): T {
  try {
    return plan();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new GatewayError("model_unusable", `Cannot serve "${name}": ${error.message}`, { cause: error });
  }
}
