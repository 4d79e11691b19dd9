import { once } from "node:events";
import { systemClock } from "../../lib/clock.ts";
import { mergeConfig } from "../../lib/config/merge.ts";
import type { Coordinator } from "../../lib/coordinator/coordinator.ts";
import { CoordinatorDeath } from "../../lib/coordinator/coordinator_failure.ts";
import { Journals } from "../../lib/coordinator/journal.ts";
import { startLeased } from "../../lib/coordinator/leased_start.ts";
import { RefusedMemory } from "../../lib/coordinator/refused_memory.ts";
import { silentLogger } from "../../lib/log.ts";
import type { Placement } from "../../lib/planner/placement.ts";
import type { LoadProgress } from "../../lib/pool/pooled.ts";
import type { BackendLease } from "../../lib/registry/backend_lease.ts";
import { SOME_MODEL } from "../fixtures/model_planning.ts";
import { type CoordinatorBed, diagnose } from "./coordinator_bed.ts";

/** A lease on backends that are probed for real; what the holder says of them is kept. */
export class ProbingLease implements BackendLease {
  readonly holder = "tiny";
  readonly leaving = new AbortController().signal;
  readonly failures: string[] = [];
  lostEndpoint: string | undefined;
  isReleased = false;
  readonly #lost = new AbortController();

  constructor(readonly endpoints: readonly string[]) {}

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  lose(endpoint: string, reason: string): void {
    this.lostEndpoint = endpoint;
    this.#lost.abort(new Error(reason));
  }

  reportUp(): void {}

  reportFailure(endpoint: string): void {
    this.failures.push(endpoint);
  }

  diagnose(): ReturnType<BackendLease["diagnose"]> {
    return diagnose(this.endpoints);
  }

  [Symbol.dispose](): void {
    this.isReleased = true;
  }
}

/** What a start on a {@linkcode ProbingLease} may differ in. */
export interface LeasedStart {
  readonly stallMs?: number;
  readonly extraArgs?: readonly string[];
  readonly journals?: Journals;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** Starts a coordinator of the bed's model as the gateway does, watched, on a lease of its own. */
export async function startWatched(
  bed: CoordinatorBed,
  placement: Placement,
  { stallMs = 30_000, extraArgs = [], journals = new Journals(), onProgress }: LeasedStart = {},
): Promise<{ coordinator: Coordinator; lease: ProbingLease }> {
  const { config } = mergeConfig({ env: {} });
  const shape = { contextSize: 4096, slotCount: 2, kvType: "f16" as const, ubatchSize: undefined };
  const lease = new ProbingLease(placement.endpoints);
  const coordinator = await startLeased(
    bed.programs.llamaServer,
    { ...SOME_MODEL, name: "tiny", key: "tiny", modelPath: bed.modelPath, sizeBytes: 2_600_000 },
    { placement, shape, lease, because: "for a test", computeCorrection: 1 },
    {
      config: {
        coordinator: { ...config.coordinator, threads: 1, extraArgs, logDir: `${bed.directory}/log` },
        timeouts: { ...config.timeouts, stallMs },
      },
      http: bed.http,
      logger: silentLogger,
      refusedMemory: new RefusedMemory({ clock: systemClock, trustMs: 30_000 }),
      journals,
    },
    new AbortController().signal,
    onProgress,
  );
  return { coordinator, lease };
}

/** Waits until a coordinator is dead and its death explained. */
export async function deathOf(coordinator: Coordinator): Promise<CoordinatorDeath> {
  if (!coordinator.gone.aborted) await once(coordinator.gone, "abort");
  const { reason } = coordinator.gone;
  if (reason instanceof CoordinatorDeath) return reason;
  throw reason;
}
