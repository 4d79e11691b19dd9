import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { BackendHealth } from "../rpc/backend.ts";
import type { ProbeResult } from "../rpc/probe.ts";
import { formatVersion, isSameVersion, type ProtocolVersion } from "../rpc/protocol.ts";
import { judge, type Verdict } from "../rpc/verdict.ts";
import type { CheckRhythm, Evidence, RegisteredBackend } from "./registered_backend.ts";

/** A change of an rpc backend's health. */
export interface BackendEvent {
  /** `host:port`. */
  readonly endpoint: string;
  /** What it was. */
  readonly from: BackendHealth;
  /** What it is now. */
  readonly to: BackendHealth;
  /** One sentence: why. */
  readonly reason: string;
}

/** What our own coordinator is; backends must be the same. */
export interface OwnVersion {
  /** Its rpc protocol. */
  readonly protocol: ProtocolVersion;
  /** Its build, such as `b11669`, where known. */
  readonly build?: string | undefined;
}

/** How a {@linkcode HealthLedger} works. */
export interface HealthLedgerOptions extends CheckRhythm {
  /** Gets a line for each change. */
  readonly logger: Logger;
  /** Time. */
  readonly clock: Clock;
  /** Called at each change of health. */
  readonly onEvent: (event: BackendEvent) => void;
}

/** Turns what is heard of rpc backends into their health, and tells each change once. */
export class HealthLedger {
  #own: OwnVersion | undefined;

  /** Says nothing by itself. */
  constructor(private readonly options: HealthLedgerOptions) {}

  /** What our coordinator is, once it is known. */
  get own(): OwnVersion | undefined {
    return this.#own;
  }

  /**
   * Changes what backends must be, and judges them again by what they said last. The same again is no news: it must not
   * count as another failure, nor undo what was reported of a backend since.
   */
  setOwn(own: OwnVersion | undefined, backends: Iterable<RegisteredBackend>): void {
    if (isSameOwn(this.#own, own)) return;
    this.#own = own;
    for (const backend of backends) this.rejudge(backend);
  }

  /** Takes a backend's health as given. */
  learn(backend: RegisteredBackend, evidence: Evidence): void {
    backend.learn(evidence, this.options.clock.monotonic(), this.options);
    this.publish(backend);
  }

  /** Takes what a probe found; `hostFreeBytes` is what this host had left then, `undefined` if the backend is elsewhere. */
  answered(backend: RegisteredBackend, result: ProbeResult, hostFreeBytes: number | undefined): void {
    const { version, devices, verdict, reason } = result;
    if (version) this.#noteVersion(backend, version);
    if (devices.length > 0) Object.assign(backend, { memories: devices, hostFreeBytes });
    this.learn(
      backend,
      verdict === "up" || verdict === "mismatch"
        ? this.#compare(backend)
        : { health: healthOf(verdict), reason },
    );
  }

  /** Compares versions again, after ours or the backend's build became known. Its age stays that of its last answer. */
  rejudge(backend: RegisteredBackend): void {
    const { health } = backend.evidence;
    if (!backend.version || (health !== "up" && health !== "mismatch")) return;
    backend.learn(this.#compare(backend), backend.knownMs!, this.options);
    this.publish(backend);
  }

  /** Tells if a backend looks different from what was told last. */
  publish(backend: RegisteredBackend): void {
    const { health, reason } = backend.shown;
    const from = backend.published;
    if (health === from) return;
    backend.published = health;
    const event = { endpoint: backend.key, from, to: health, reason };
    this.options.logger.info("rpc backend health", event);
    this.options.onEvent(event);
  }

  #noteVersion(backend: RegisteredBackend, version: ProtocolVersion): void {
    const last = backend.version;
    backend.version = version;
    if (!last || isSameVersion(last, version)) return;
    this.options.logger.info("rpc backend version", {
      endpoint: backend.key,
      from: formatVersion(last),
      to: formatVersion(version),
    });
  }

  /** The health of a backend that answered, by its version and ours. */
  #compare(backend: RegisteredBackend): Evidence {
    const finding = { kind: "answered", version: backend.version!, devices: backend.memories } as const;
    const { verdict, reason } = judge(finding, backend.names[0]!.endpoint, this.#own?.protocol);
    const build = backend.claim?.build;
    const ownBuild = this.#own?.build;
    if (verdict === "up" && build !== undefined && ownBuild !== undefined && build !== ownBuild) {
      return {
        health: "mismatch",
        reason: `${backend.key} runs llama.cpp ${build}, ours is ${ownBuild}: they may number tensor ` +
          `operations differently; install the same llama.cpp build on both`,
      };
    }
    return { health: healthOf(verdict), reason };
  }
}

function isSameOwn(a: OwnVersion | undefined, b: OwnVersion | undefined): boolean {
  if (!a || !b) return a === b;
  return isSameVersion(a.protocol, b.protocol) && a.build === b.build;
}

/** Whatever else listens at its place, the backend is down. */
function healthOf(verdict: Verdict): BackendHealth {
  return verdict === "not-rpc" ? "down" : verdict;
}
