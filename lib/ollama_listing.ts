import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { ServingCoordinator } from "./coordinator/serving.ts";
import { Deadline } from "./deadline.ts";
import type { RunningModel } from "./dialects/ollama_ps.ts";
import { newestVersion } from "./dialects/ollama_version.ts";
import type { KnownNode, NodeSummary, ResidentModel } from "./nodes/node.ts";
import type { CoordinatorPool } from "./pool/pool.ts";
import type { PoolView } from "./pool/pooled.ts";
import type { ListedModel } from "./router/listed_model.ts";
import { THIS_HOST } from "./registry/identity.ts";

/** What {@linkcode OllamaListing} reads. */
export interface OllamaListingParts {
  /** The Ollama nodes. */
  readonly nodes: {
    readonly nodes: readonly KnownNode[];
    summaries(): readonly NodeSummary[];
    refresh(asked: { readonly names: readonly string[]; readonly signal: AbortSignal }): Promise<void>;
  };
  /** Our own coordinators. */
  readonly pool: Pick<CoordinatorPool<ServingCoordinator>, "views" | "running">;
  /** What is known of models. */
  readonly catalog: { list(): Promise<readonly ListedModel[]> };
  /** The operator's word; read at each question. */
  readonly config: { readonly pool: Pick<Config["pool"], "idleTtlMs"> };
  /** Time. */
  readonly clock: Clock;
}

/** What is known for longer is asked again: who unloads a model looks at once whether it is gone, ms. */
const FRESH_MS = 1_000;
/** For how long that is waited for; what was known before is told then, ms. */
const REFRESH_MS = 500;

/** What Ollama's listings tell of the gateway as a whole: all nodes and coordinators are one Ollama. */
export class OllamaListing {
  readonly #parts: OllamaListingParts;

  /** Its parts stay the caller's to dispose. */
  constructor(parts: OllamaListingParts) {
    this.#parts = parts;
  }

  /** The newest Ollama among the nodes that are up, or as which we pass without any. */
  get version(): string {
    const up = this.#parts.nodes.summaries().filter(({ health }) => health === "up");
    return newestVersion(up.flatMap(({ version }) => version ?? []));
  }

  /**
   * What the nodes that are up and our own coordinators have in memory. Nodes that were not asked of late are, and waited
   * for briefly.
   *
   * @throws The signal's reason.
   */
  async running(signal: AbortSignal): Promise<readonly RunningModel[]> {
    const { catalog } = this.#parts;
    const [listed] = await Promise.all([catalog.list().catch(() => []), this.#refresh(signal)]);
    const byKey = new Map(listed.map((model) => [model.key, model]));
    return [...this.#onNodes(), ...this.#onCoordinators(byKey)];
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const { nodes, clock } = this.#parts;
    const stale = nodes.summaries().filter(({ health, ageMs }) => health === "up" && (ageMs ?? 0) > FRESH_MS);
    if (stale.length === 0) return;
    using deadline = new Deadline(clock, REFRESH_MS, { signal });
    const names = stale.map(({ name }) => name);
    await nodes.refresh({ names, signal: deadline.signal }).catch((error) => {
      if (!deadline.hasPassed) throw error;
    });
  }

  #onNodes(): RunningModel[] {
    return this.#parts.nodes.nodes.filter(({ health }) => health === "up")
      .flatMap((node) => [...node.resident.values()].map((model) => onNode(node, model)));
  }

  #onCoordinators(listed: ReadonlyMap<string, ListedModel>): RunningModel[] {
    const { pool } = this.#parts;
    return pool.views().flatMap((view) => {
      const coordinator = pool.running(view.key);
      if (!coordinator) return [];
      const { digest, family, parameterSize, quantization } = listed.get(view.key) ?? UNKNOWN;
      return [{
        key: view.key,
        name: view.model,
        by: { coordinator: view.id },
        ...bytesOf(coordinator),
        contextLength: coordinator.contextSize,
        expiresAtMs: this.#expiryOf(view),
        digest,
        family,
        parameterSize,
        quantization,
      }];
    });
  }

  /** One that is at work stays as long as it would if it became idle now, as Ollama tells it. */
  #expiryOf({ expiresInMs, isPinned }: PoolView): number {
    const { config, clock } = this.#parts;
    if (isPinned || expiresInMs === null) return Infinity;
    return clock.now() + (expiresInMs ?? config.pool.idleTtlMs);
  }
}

const UNKNOWN = { digest: undefined, family: undefined, parameterSize: undefined, quantization: undefined };

function onNode(node: KnownNode, resident: ResidentModel): RunningModel {
  const { key, name, sizeBytes, vramBytes, contextLength, expiresAtMs } = resident;
  const { digest, family, parameterSize, quantization } = node.models.get(key) ?? UNKNOWN;
  return {
    key,
    name,
    by: { node: node.name },
    sizeBytes,
    vramBytes,
    contextLength,
    expiresAtMs,
    digest: digest || undefined,
    family,
    parameterSize,
    quantization,
  };
}

/** Of a model that is whole on this host the device is this host, and its bytes are not counted twice. */
function bytesOf({ placement }: ServingCoordinator): Pick<RunningModel, "sizeBytes" | "vramBytes"> {
  const devices = placement.devices.map(({ kind, endpoint, actual }) => ({
    isGpu: kind === "gpu",
    isHere: endpoint === THIS_HOST,
    bytes: actual.weightBytes + actual.kvBytes + actual.computeBytes,
  }));
  const sum = (chosen: typeof devices): number => chosen.reduce((total, { bytes }) => total + bytes, 0);
  const hostBytes = devices.some(({ isHere }) => isHere) ? 0 : placement.hostModelBytes;
  return { sizeBytes: sum(devices) + hostBytes, vramBytes: sum(devices.filter(({ isGpu }) => isGpu)) };
}
