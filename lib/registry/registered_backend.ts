import { backOffMs } from "../back_off.ts";
import type { DeviceMemory } from "../rpc/answer_decoder.ts";
import type { BackendHealth, BackendLimits, BackendSource, BackendView } from "../rpc/backend.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import { formatVersion, type ProtocolVersion } from "../rpc/protocol.ts";
import { devicesOf } from "./backend_devices.ts";
import type { BackendIdentity } from "./identity.ts";
import type { WorkerClaim } from "./worker_claim.ts";

/** One spelling of where an rpc backend is. */
export interface EndpointName {
  /** `host:port`. */
  readonly key: string;
  /** The same, in parts. */
  readonly endpoint: Endpoint;
  /** Who told of it; a name that nobody tells of any more goes. */
  readonly sources: Set<BackendSource>;
  /** What the operator allows, by this name. */
  limits: BackendLimits;
  /** What it led to when that was found out last. */
  identity: BackendIdentity | undefined;
}

/** Why a backend is not to be touched: a coordinator of ours uses it. */
export interface Tenant {
  /** The model that it serves. */
  readonly holder: string;
  /** Tells it that the backend is lost, in a sentence. */
  lose(reason: string): void;
  /** Tells it that the backend is about to leave, in a sentence: it may end its work, and then is to let go. */
  retire(reason: string): void;
  /** Tells it that it has the backend still, after all. */
  find(): void;
}

/** What is known of a backend's health. */
export interface Evidence {
  /** How it is. */
  readonly health: BackendHealth;
  /** Why, in a sentence. */
  readonly reason: string;
}

/** How a backend's next check is timed. */
export interface CheckRhythm {
  /** For how long an `up` is trusted, ms. */
  readonly trustMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** How often a backend that is held by a stranger is asked, ms; its parked connection tells earlier. */
const HELD_RECHECK_MS = 60_000;
/** If the last probe took no longer, the next one is expected to be quick, too, ms. */
const QUICK_MS = 300;

/** All that is known of one rpc backend. It does nothing by itself; times are of the monotonic clock. */
export class RegisteredBackend {
  /** The first one is what it is called; the others are aliases. Empty once it is gone. */
  readonly names: EndpointName[] = [];
  /** Which of our coordinators has it. */
  tenant: Tenant | undefined;
  /** Its worker's word, if one runs it. */
  claim: WorkerClaim | undefined;
  /** Its protocol, once it said so. */
  version: ProtocolVersion | undefined;
  /** What it said of its devices last. */
  memories: readonly DeviceMemory[] = [];
  /** What its host had left then, bytes; `undefined` if that is not this host. */
  hostFreeBytes: number | undefined;
  /** Since when its health is known. */
  knownMs: number | undefined;
  /** When it is to be checked next, if it may be. */
  nextCheckMs = 0;
  /** Whether it answered quickly the last time. */
  isQuick = false;
  /** What was last told to the log. */
  published: BackendHealth = "unknown";
  #evidence: Evidence = { health: "unknown", reason: "Nobody has asked it yet" };
  #failureCount = 0;

  /** Without a name yet. */
  constructor(
    /** When it was registered: of two that turn out to be one, the earlier one stays. */
    readonly order: number,
  ) {}

  /** What it is called: `host:port`. */
  get key(): string {
    return this.names[0]!.key;
  }

  /** Its health, whoever holds it. */
  get evidence(): Evidence {
    return this.#evidence;
  }

  /** Its health as others see it. */
  get shown(): Evidence {
    if (!this.tenant || isFault(this.#evidence)) return this.#evidence;
    return { health: "held", reason: `${this.key} is held by our coordinator of ${this.tenant.holder}` };
  }

  /** What the operator allows, by any of its names: the narrowest. */
  get limits(): BackendLimits {
    const all = this.names.map(({ limits }) => limits);
    const bytes = all.flatMap(({ memoryLimitBytes }) => memoryLimitBytes ?? []);
    return {
      memoryLimitBytes: bytes.length > 0 ? Math.min(...bytes) : undefined,
      isExcluded: all.some(({ isExcluded }) => isExcluded),
      bytesPerSecond: all.find(({ bytesPerSecond }) => bytesPerSecond !== undefined)?.bytesPerSecond,
    };
  }

  /** Whether its worker is about to stop. */
  get isDraining(): boolean {
    return this.claim?.isDraining === true && !this.claim.isSilent;
  }

  /** Whether a probe would tell more than is known, and disturbs nobody. */
  get mayBeProbed(): boolean {
    if (this.tenant || this.names.length === 0) return false;
    const { claim } = this;
    if (!claim) return true;
    if (claim.isSilent) return this.names.some(({ sources }) => [...sources].some((by) => by !== "worker"));
    return claim.said.is_running && claim.holders.length === 0;
  }

  /** Takes what is known at `nowMs` of the monotonic clock, and plans the next check. */
  learn(evidence: Evidence, nowMs: number, { trustMs, random }: CheckRhythm): void {
    this.#evidence = evidence;
    this.knownMs = nowMs;
    const hasFailed = isFault(evidence);
    this.#failureCount = hasFailed ? this.#failureCount + 1 : 0;
    if (hasFailed) this.nextCheckMs = nowMs + backOffMs(this.#failureCount, random());
    else this.nextCheckMs = nowMs + (evidence.health === "up" ? trustMs : HELD_RECHECK_MS);
  }

  /** Takes note of how long a probe of it took. */
  timed(tookMs: number): void {
    this.isQuick = tookMs <= QUICK_MS;
  }

  /** A snapshot, at `nowMs` of the monotonic clock. */
  view(nowMs: number): BackendView {
    const { claim, isDraining, limits, names, shown, tenant, version } = this;
    return {
      endpoint: this.key,
      aliases: names.slice(1).map(({ key }) => key),
      sources: [...new Set(names.flatMap(({ sources }) => [...sources]))],
      health: shown.health,
      reason: isDraining
        ? `worker ${claim?.workerName} is draining, nothing new is planned onto it; ${shown.reason}`
        : shown.reason,
      ageMs: this.knownMs === undefined ? undefined : Math.round(nowMs - this.knownMs),
      protocol: version && formatVersion(version),
      build: claim?.build,
      devices: devicesOf({
        endpoint: this.key,
        host: names[0]!.identity?.host ?? names[0]!.endpoint.host,
        memories: this.memories,
        hostFreeBytes: this.hostFreeBytes,
        said: claim && !claim.isSilent ? claim.devices(tenant !== undefined) : [],
      }),
      holder: tenant?.holder,
      workerName: claim?.workerName,
      isDraining,
      limits,
    };
  }
}

/** Whether it must not be used, whoever has it. */
function isFault({ health }: Evidence): boolean {
  return health === "down" || health === "mismatch";
}
