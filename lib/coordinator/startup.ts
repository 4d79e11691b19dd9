import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { GatewayError } from "../errors.ts";
import type { UpstreamAddress } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import { LlamaServerClient, type ServerProps } from "../llama_server/client.ts";
import type { Logger } from "../log.ts";
import type { ProcessRecorder } from "../process/process_recorder.ts";
import { readProcessWork } from "../process/process_work.ts";
import { ChildGone, type ChildProcess } from "../process/child.ts";
import type { ChildExit } from "../process/child_exit.ts";
import type { LoadProgress } from "../pool/pooled.ts";
import { parseEndpoint } from "../rpc/endpoint.ts";
import { formatBytes, formatDuration } from "../units.ts";
import {
  type CoordinatorStartError,
  type DeathFacts,
  describeFailedStart,
  describeSilence,
  describeStalledLoad,
  needsSuspect,
} from "./coordinator_failure.ts";
import type { CoordinatorEvent, CoordinatorLog } from "./coordinator_log.ts";
import { type BackendFinding, type Diagnose, findTrouble } from "./diagnosis.ts";
import { type CoordinatorLaunch, defaultLoadTimeoutMs } from "./launch.ts";
import { LoadWatch, StalledLoad } from "./load_watch.ts";
import type { Journal } from "./journal.ts";
import { type VerifiedPlacement, verifyPlacement } from "./placement_check.ts";
import { untilLogCaughtUp, untilReady } from "./readiness.ts";
import { readBackendConnections } from "./sent_bytes.ts";
import { type SpawnedServer, spawnServer } from "./spawn.ts";

/** What a coordinator needs of the world. */
export interface CoordinatorOptions {
  /** Aborts the start, in any phase. */
  signal: AbortSignal;
  /** Gets its start, its end and a log file that cannot be written. */
  logger: Logger;
  /** For `/health` and `/props`; stays the caller's to dispose. */
  http: HttpClient;
  /** Default: the host's. */
  clock?: Clock;
  /** Probes rpc backends, to name the one at fault. */
  diagnose?: Diagnose;
  /** Hears what the process says of itself. Must not throw. */
  onEvent?: (event: CoordinatorEvent) => void;
  /** Hears how far the load is. Must not throw. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** For how long its load may stand still, ms; read at each look. Default: until its deadline. */
  patience?: { readonly stallMs: number };
  /** Keeps its lines, beside its log file. */
  journal?: Pick<Journal, "append"> | undefined;
  /** Remembers the process where that outlives us. */
  recorder?: Pick<ProcessRecorder, "record"> | undefined;
}

/** A llama-server that answers, and holds its layers where they were planned. */
export interface StartedServer extends SpawnedServer {
  /** Where it answered. */
  readonly address: UpstreamAddress;
  /** Its settings, as they came out. */
  readonly props: ServerProps;
  /** Checked against its own log. */
  readonly placement: VerifiedPlacement;
  /** From the start of the process to its first answer, ms. */
  readonly loadMs: number;
  /** Kills the process and removes its files. */
  readonly lifetime: AsyncDisposableStack;
}

const ENUMERATE_TIMEOUT_MS = 5_000;
/** A held backend is found by a probe that waits in vain. */
const DIAGNOSIS_MS = 5_000;

/** The rpc backends have not answered llama-server in time. It says nothing meanwhile, and would wait forever. */
class SilentBackends extends Error {}

/** Starts a llama-server; see `Coordinator.start` for what it promises and throws. */
export async function startServer(
  launch: CoordinatorLaunch,
  options: CoordinatorOptions,
): Promise<StartedServer> {
  options.signal.throwIfAborted();
  const { clock = systemClock } = options;
  await using lifetime = new AsyncDisposableStack();
  using load = watchLoad(launch, options, () => spawned.child.pid);
  const onEvent = (event: CoordinatorEvent): void => {
    options.onEvent?.(event);
    load.hear(event);
  };
  const spawned = await spawnServer(launch, { ...options, onEvent }, lifetime);
  const spawnedMs = clock.monotonic();
  const { address, props } = await untilServing(launch, spawned, load, options);
  const loadMs = clock.monotonic() - spawnedMs;
  const placement = verifyPlacement(launch.model, launch.placement, spawned.log.buffers);
  spawned.log.markServing();
  return { ...spawned, address, props, placement, loadMs, lifetime: lifetime.move() };
}

/** What is known of a death; rpc backends are probed only if the log does not name the one at fault. */
export async function learnDeath(
  exit: ChildExit,
  { model, placement }: CoordinatorLaunch,
  log: CoordinatorLog,
  { clock = systemClock, diagnose, signal }: Pick<CoordinatorOptions, "clock" | "diagnose"> & {
    signal?: AbortSignal;
  },
  withinMs: number,
): Promise<DeathFacts> {
  const { cause } = log;
  const endpoints = endpointsOf({ placement });
  const trouble = needsSuspect(exit, cause)
    ? await findTrouble(diagnose, endpoints, { clock, withinMs, signal })
    : [];
  return { model, exit, cause, trouble, endpoints };
}

function watchLoad(
  { placement }: CoordinatorLaunch,
  { onProgress = () => {}, patience = { stallMs: Infinity }, clock = systemClock }: CoordinatorOptions,
  pidOf: () => number,
): LoadWatch {
  const endpoints = endpointsOf({ placement });
  const ports = new Set(endpoints.map((endpoint) => parseEndpoint(endpoint).port));
  return new LoadWatch({
    onProgress,
    patience,
    endpoints,
    totalBytes: placement?.devices.reduce((sum, { weightBytes }) => sum + weightBytes, 0) ?? 0,
    look: async (signal) => {
      const connections = await readBackendConnections(pidOf(), ports, signal);
      return connections && { connections, work: await readProcessWork(pidOf()) };
    },
    clock,
  });
}

async function untilServing(
  launch: CoordinatorLaunch,
  { child, log, listen, apiKey }: SpawnedServer,
  { stalled }: LoadWatch,
  options: CoordinatorOptions,
): Promise<{ address: UpstreamAddress; props: ServerProps }> {
  const { http, clock = systemClock } = options;
  using load = new Deadline(clock, loadTimeoutMsOf(launch), { reason: () => loadTimeout(launch) });
  using silence = new Deadline(clock, enumerateTimeoutMsOf(launch), { reason: () => new SilentBackends() });
  void log.enumerated.then(() => silence[Symbol.dispose]());
  if (endpointsOf(launch).length === 0) silence[Symbol.dispose](); // a GPU's driver may take as long as it likes
  const signal = AbortSignal.any([options.signal, child.gone, load.signal, silence.signal, stalled]);
  try {
    const readiness = { listen, log, apiKey, http, clock, signal };
    const address = await untilReady(readiness);
    const props = await new LlamaServerClient(http, address, apiKey).props({ signal });
    await untilLogCaughtUp(readiness);
    return { address, props };
  } catch (error) {
    const explained = await explainFailure(error, launch, child, log, options);
    options.signal.throwIfAborted(); // while it was being explained
    throw explained;
  }
}

async function explainFailure(
  error: unknown,
  launch: CoordinatorLaunch,
  child: ChildProcess,
  log: CoordinatorLog,
  options: CoordinatorOptions,
): Promise<unknown> {
  if (error instanceof ChildGone) {
    return describeFailedStart(await learnDeath(error.exit, launch, log, options, DIAGNOSIS_MS));
  }
  if (!(error instanceof SilentBackends || error instanceof StalledLoad)) return error;
  await child[Symbol.asyncDispose](); // a probe would queue up behind it
  if (error instanceof StalledLoad) return await explainStall(error, launch, options);
  const trouble = await probeBackends(launch, options);
  return describeSilence(launch.model, formatDuration(enumerateTimeoutMsOf(launch)), trouble);
}

/** Bytes that wait for one backend tell more of it than a probe. */
async function explainStall(
  { facts }: StalledLoad,
  launch: CoordinatorLaunch,
  options: CoordinatorOptions,
): Promise<CoordinatorStartError> {
  const trouble = facts.deafEndpoint === undefined ? await probeBackends(launch, options) : [];
  return describeStalledLoad(launch.model, facts, trouble);
}

function probeBackends(
  launch: CoordinatorLaunch,
  { diagnose, clock = systemClock, signal }: CoordinatorOptions,
): Promise<readonly BackendFinding[]> {
  return findTrouble(diagnose, endpointsOf(launch), { clock, withinMs: DIAGNOSIS_MS, signal });
}

function endpointsOf({ placement }: Pick<CoordinatorLaunch, "placement">): readonly string[] {
  return placement?.endpoints ?? [];
}

function loadTimeoutMsOf({ loadTimeoutMs, modelBytes }: CoordinatorLaunch): number {
  return loadTimeoutMs ?? defaultLoadTimeoutMs(modelBytes);
}

function enumerateTimeoutMsOf({ enumerateTimeoutMs = ENUMERATE_TIMEOUT_MS }: CoordinatorLaunch): number {
  return enumerateTimeoutMs;
}

function loadTimeout(launch: CoordinatorLaunch): GatewayError {
  return new GatewayError(
    "load_timeout",
    `Loading "${launch.model}" (${formatBytes(launch.modelBytes)}) was not done after ` +
      `${formatDuration(loadTimeoutMsOf(launch))}; check network and disk, or raise coordinator.load_timeout`,
  );
}
