import { type Clock, systemClock } from "../clock.ts";
import type { UpstreamAddress } from "../http/address.ts";
import { LlamaServerClient } from "../llama_server/client.ts";
import type { StopStep } from "../process/child.ts";
import type { ChildExit } from "../process/child_exit.ts";
import { describeDeath, type Fault } from "./coordinator_failure.ts";
import type { CoordinatorLaunch } from "./launch.ts";
import type { VerifiedPlacement } from "./placement_check.ts";
import { SpeedMeter } from "./speed_meter.ts";
import type { CoordinatorLook } from "./stall_judge.ts";
import { type CoordinatorOptions, learnDeath, type StartedServer, startServer } from "./startup.ts";

/** Asked twice, llama-server gives up requests in flight; a third time nobody asks. */
const STOP_STEPS: readonly StopStep[] = [
  { signal: "SIGTERM", graceMs: 2_000 },
  { signal: "SIGTERM", graceMs: 1_000 },
];
/** Whoever waits for {@linkcode Coordinator.gone} waits this much longer at most. */
const DIAGNOSIS_MS = 300;
/** It took long to see that it hangs: who is at fault is worth some more. */
const HANG_DIAGNOSIS_MS = 1_000;

/** How {@linkcode Coordinator.look} asks. */
export interface LookOptions {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** For each of two questions, ms. */
  readonly timeoutMs: number;
}

/**
 * A llama-server that serves one model, over rpc backends or whole on this host: started, checked against its plan, and
 * watched.
 *
 * An rpc backend that dies takes it along, but only when the next token needs that backend; one that hangs is never
 * noticed by it: watch `/slots`.
 */
export class Coordinator implements AsyncDisposable {
  readonly #server: StartedServer;
  readonly #gone = new AbortController();
  readonly #ended: Promise<void>;
  readonly #speed = new SpeedMeter();
  readonly #clock: Clock;
  #isStopping = false;
  #fault: Fault | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(
    private readonly launch: CoordinatorLaunch,
    private readonly options: CoordinatorOptions,
    server: StartedServer,
  ) {
    this.#server = server;
    this.#clock = options.clock ?? systemClock;
    this.#ended = server.child.exited.then((exit) => this.#onExit(exit));
  }

  /**
   * Starts a coordinator and waits until it answers and its placement is verified. Whatever goes wrong, nothing is
   * left running.
   *
   * @throws {GatewayError} `backend_unreachable` or `no_capacity` with the rpc backend at fault;
   *   `insufficient_memory`; `model_unusable`; `load_timeout`; `upstream_failed` for the rest.
   * @throws {RangeError} If the launch holds what llama-server would refuse.
   * @throws The signal's reason, once it aborted.
   */
  static async start(launch: CoordinatorLaunch, options: CoordinatorOptions): Promise<Coordinator> {
    const server = await startServer(launch, options);
    const { child, loadMs, placement } = server;
    options.logger.info("coordinator ready", {
      model: launch.model,
      pid: child.pid,
      loadMs: Math.round(loadMs),
      because: placement.because,
    });
    return new Coordinator(launch, options, server);
  }

  /** Where it answers. */
  get address(): UpstreamAddress {
    return this.#server.address;
  }

  /** What it asks for, as `Authorization: Bearer`. */
  get apiKey(): string {
    return this.#server.apiKey;
  }

  /** The name of its model. */
  get model(): string {
    return this.launch.model;
  }

  /** `host:port` of its rpc backends, as it was told. */
  get endpoints(): readonly string[] {
    return this.launch.placement?.endpoints ?? [];
  }

  /** Where its layers are, confirmed by llama.cpp. */
  get placement(): VerifiedPlacement {
    return this.#server.placement;
  }

  /** Process id of llama-server. */
  get pid(): number {
    return this.#server.child.pid;
  }

  /** From the start of the process to its first answer, ms. */
  get loadMs(): number {
    return this.#server.loadMs;
  }

  /** Requests that it computes at once. */
  get slotCount(): number {
    return this.#server.props.slotCount;
  }

  /** Tokens of one slot. */
  get contextSize(): number {
    return this.#server.props.slotContextSize;
  }

  /** Whether its prompts may hold pictures or sound. */
  get isMultimodal(): boolean {
    const { vision, audio } = this.#server.props.modalities;
    return vision || audio;
  }

  /** Aborts when the process is dead and its death explained; the reason is a `CoordinatorDeath`. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Aborts at the moment that its exit is seen; {@linkcode gone} follows with the reason. */
  get dead(): AbortSignal {
    return this.#server.child.dead;
  }

  /** False once {@linkcode dead} has aborted. */
  get isAlive(): boolean {
    return this.#server.child.isAlive;
  }

  /** Looks at what it does now. @throws The signal's reason. */
  async look({ signal, timeoutMs }: LookOptions): Promise<CoordinatorLook> {
    const client = new LlamaServerClient(this.options.http, this.address, this.apiKey);
    const askedMs = this.#clock.monotonic();
    try {
      const slots = await client.slots({ signal, timeoutMs });
      this.#speed.take(slots, this.#clock.monotonic());
      return { kind: "slots", slots };
    } catch {
      const health = await client.health({ signal, timeoutMs }); // some builds do not tell of slots, or not at once
      return health.kind === "unreachable" ? { kind: "silent", askedMs } : { kind: "mute" };
    }
  }

  /** Tokens that all slots together generated in a second, between the last two looks; 0 while it is idle. */
  get tokensPerSecond(): number {
    return this.#speed.tokensPerSecondAt(this.#clock.monotonic());
  }

  /** Kills one that hangs, or that has lost a backend. To everybody else it has died. */
  abandon(fault: Fault): void {
    this.#fault ??= fault;
    this.#server.child.signal("SIGKILL");
  }

  /** The last lines of its output, oldest first. They hold nothing that users write. */
  get logTail(): string[] {
    return this.#server.log.tail;
  }

  /**
   * Stops it: SIGTERM, after 2 s once more, after another second SIGKILL. Requests in flight end without an
   * answer: end them before. Resolves when nothing of it is left. Never rejects.
   */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  /** The same as {@linkcode stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#isStopping = this.isAlive;
    await this.#server.child.stop(STOP_STEPS);
    await this.#ended;
  }

  async #onExit(exit: ChildExit): Promise<void> {
    const isWanted = this.#isStopping;
    const fault = this.#fault;
    const { diagnose, logger } = this.options;
    const mayBlame = diagnose && !isWanted && !fault?.isItsOwn;
    const world = { clock: this.#clock, ...(mayBlame ? { diagnose } : {}) };
    const diagnosisMs = fault ? HANG_DIAGNOSIS_MS : DIAGNOSIS_MS;
    const facts = await learnDeath(exit, this.launch, this.#server.log, world, diagnosisMs);
    const death = describeDeath(facts, { isWanted, fault });
    const fields = { model: this.model, pid: this.pid, exitCode: exit.code, reason: death.message };
    if (isWanted) logger.info("coordinator stopped", fields);
    else {
      logger.warn("coordinator died", { ...fields, suspectEndpoint: death.suspectEndpoint });
      this.#server.note(death.message);
    }
    this.#gone.abort(death);
    await this.#server.lifetime.disposeAsync();
  }
}
