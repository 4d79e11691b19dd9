import type { Config } from "../config/config.ts";
import { type ErrorCode, GatewayError } from "../errors.ts";
import type { GgufModel } from "../gguf/model_info.ts";
import type { UpstreamAddress } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import type { HeaderList } from "../http/headers.ts";
import { type Environment, findLlamaCpp, requireProgram } from "../llama_cpp/find.ts";
import type { Logger } from "../log.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { kvCacheBytesPerLayer } from "../planner/kv_cache.ts";
import { type Placement, type PlanDevice, planPlacement } from "../planner/placement.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../rpc/endpoint.ts";
import type { ParkedProbes } from "../rpc/parked_probes.ts";
import type { ProbeResult } from "../rpc/probe.ts";
import { probeAll } from "../rpc/probe_all.ts";
import { formatVersion } from "../rpc/protocol.ts";
import type { GgufHeaderCache } from "../store/gguf_header_cache.ts";
import { openGguf } from "../store/gguf_file.ts";
import { MIB } from "../units.ts";
import { Coordinator } from "./coordinator.ts";
import type { BackendFinding } from "./diagnosis.ts";
import type { CoordinatorLaunch } from "./launch.ts";
import type { VerifiedPlacement } from "./placement_check.ts";
import type { ServingCoordinator } from "./serving.ts";

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

/** Which backends can be used now, and why the others cannot. */
interface Survey {
  readonly usable: readonly ProbeResult[];
  readonly leftOut: readonly { readonly reason: string; readonly verdict: ProbeResult["verdict"] }[];
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
    const { model: content } = await openGguf(model.modelPath, { signal, cache: headers });
    if (content.kind !== "model") {
      const message =
        `Cannot serve "${model.name}": its file is a ${content.kind}, not a model; pull the model itself`;
      throw new GatewayError("model_unusable", message);
    }
    const probe = (endpoints: readonly Endpoint[], abort?: AbortSignal): Promise<ProbeResult[]> =>
      probeAll(endpoints, { timeoutMs: config.timeouts.probeMs, parked, ...(abort && { signal: abort }) });
    const diagnose = async (endpoints: readonly string[]): Promise<BackendFinding[]> => {
      const results = await probe(endpoints.map((endpoint) => parseEndpoint(endpoint)));
      return results.map(({ endpoint, verdict, reason }) => ({
        endpoint: formatEndpoint(endpoint),
        verdict,
        reason,
      }));
    };
    const surveys = surveysOf(await probe(config.rpcBackends, signal));
    let firstFailure: unknown;
    for (const survey of surveys) {
      try {
        const launch = planLaunch(model, content, survey, config.coordinator, program);
        const because = launch.placement!.because + leftOutNote(survey);
        logger.info("coordinator planned", { model: model.name, because });
        const coordinator = await Coordinator.start(launch, { signal, logger, http, diagnose });
        return new ShardedCoordinator(model.key, because, coordinator);
      } catch (error) {
        signal.throwIfAborted();
        firstFailure ??= error;
      }
    }
    throw firstFailure;
  }

  /** Where its llama-server answers. */
  get address(): UpstreamAddress {
    return this.coordinator.address;
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

/**
 * One model cannot mix protocol versions, so there is a survey for each version that is spoken; the one with most
 * memory comes first. Which of them our llama-server speaks is only known when it has started: it does not tell.
 */
function surveysOf(results: readonly ProbeResult[]): Survey[] {
  const up = results.filter(({ verdict }) => verdict === "up");
  const others = results.filter(({ verdict }) => verdict !== "up");
  const byVersion = Map.groupBy(up, versionOf);
  if (byVersion.size === 0) return [{ usable: [], leftOut: others }];
  const memoryOf = (group: readonly ProbeResult[]) =>
    group.reduce((sum, result) => sum + freeBytes(result), 0);
  return [...byVersion].toSorted(([, a], [, b]) => memoryOf(b) - memoryOf(a)).map(([version, usable]) => {
    const strangers = up.filter((result) => versionOf(result) !== version);
    return { usable, leftOut: [...others, ...strangers.map((result) => toStranger(result, version))] };
  });
}

function toStranger(result: ProbeResult, version: string): Survey["leftOut"][number] {
  const reason =
    `${formatEndpoint(result.endpoint)} speaks rpc protocol ${versionOf(result)}, the others ${version}; ` +
    `install the same llama.cpp build on all`;
  return { verdict: "mismatch", reason };
}

function versionOf({ version }: ProbeResult): string {
  return version ? formatVersion(version) : "unknown";
}

function freeBytes({ devices }: ProbeResult): number {
  return devices.reduce((sum, device) => sum + device.freeBytes, 0);
}

function planLaunch(
  model: ResolvedModel,
  content: GgufModel,
  survey: Survey,
  config: Config["coordinator"],
  program: string,
): CoordinatorLaunch {
  if (survey.usable.length === 0) throw noBackend(model.name, survey);
  const slotContextSize = contextSizeOf(model, content, config);
  const shape = { contextSize: slotContextSize, slotCount: config.slots, kvType: config.kvType };
  return {
    program,
    model: model.name,
    modelPath: model.modelPath,
    modelBytes: model.sizeBytes,
    placement: place(
      { ...content, name: model.name, perLayerKvBytes: kvCacheBytesPerLayer(content, shape) },
      survey,
    ),
    slotContextSize,
    slotCount: config.slots,
    threadCount: config.threads,
    promptCacheMib: Math.floor(config.cacheRamBytes / MIB),
    cacheTypeK: config.kvType,
    cacheTypeV: config.kvType,
    mmprojPath: model.projectorPaths[0],
    loraPaths: model.adapterPaths,
    extraArgs: [...batchArgs(config), ...config.extraArgs],
    transport: config.transport,
    loadTimeoutMs: config.loadTimeoutMs,
    enumerateTimeoutMs: config.startupWatchdogMs,
    logFile: { path: `${config.logDir}/coordinator.log`, maxBytes: config.logMaxBytes },
  };
}

/** The operator's word first, then the model's own; never more than the model was trained to see. */
function contextSizeOf(model: ResolvedModel, content: GgufModel, config: Config["coordinator"]): number {
  const own = model.params.num_ctx;
  const wanted = config.isContextSizeSet || !own || own <= 0 ? config.contextSize : own;
  return content.contextLength > 0 ? Math.min(wanted, content.contextLength) : wanted;
}

function batchArgs({ batchSize, ubatchSize }: Config["coordinator"]): string[] {
  return [
    ...(batchSize === undefined ? [] : ["-b", String(batchSize)]),
    ...(ubatchSize === undefined ? [] : ["-ub", String(ubatchSize)]),
  ];
}

function place(plan: Parameters<typeof planPlacement>[0], survey: Survey): Placement {
  const devices: PlanDevice[] = survey.usable.flatMap(({ endpoint, devices }) =>
    devices.map((device, deviceIndex) => ({ endpoint: formatEndpoint(endpoint), deviceIndex, ...device }))
  );
  try {
    return planPlacement(plan, devices);
  } catch (error) {
    if (!(error instanceof GatewayError) || survey.leftOut.length === 0) throw error;
    throw new GatewayError(error.code, error.message + leftOutNote(survey), { cause: error });
  }
}

function noBackend(name: string, survey: Survey): GatewayError {
  const isHeld = survey.leftOut.some(({ verdict }) => verdict === "held");
  const code: ErrorCode = isHeld ? "no_capacity" : "backend_unreachable";
  const reasons = survey.leftOut.map(({ reason }) => reason).join(". ");
  return new GatewayError(code, `Cannot serve "${name}": none of its rpc backends can be used. ${reasons}`);
}

function leftOutNote({ leftOut }: Survey): string {
  return leftOut.length === 0 ? "" : `. Left out: ${leftOut.map(({ reason }) => reason).join(". ")}`;
}
