import { equal } from "node:assert/strict";
import type { TinyModelOptions } from "../../lib/gguf/tiny_model.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { ask, type AskOptions, type Reply } from "./ask.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed, type ServedGateway, type Settings } from "./gateway_bed.ts";
import type { LogRecord } from "./program.ts";
import type { SandboxedProcess } from "./sandbox.ts";
import { type ShelfBackend, startShelf } from "./shelf.ts";

/** A model that needs two of the three rpc backends, so that one is to spare; and requests that last long enough. */
export interface FaultPreset {
  /** Of the model. */
  readonly shape: TinyModelOptions;
  /** Most memory to plan with on each rpc backend; less than the model needs. */
  readonly memory: string;
  /** Tokens of one slot. */
  readonly contextSize: number;
  /** Tokens of a stream that is amid its answer when something happens. */
  readonly streamTokens: number;
  /** Tokens of an answer that is no stream. */
  readonly heldTokens: number;
}

/** 2.6 MB of weights and 192 MiB of KV cache; loads in 0.3 s. */
export const SMALL: FaultPreset = {
  shape: {},
  memory: "150MiB",
  contextSize: 32_768,
  streamTokens: 400,
  heldTokens: 100,
};

/** 242 MiB of weights, 192 MiB of KV cache; it takes 20 s to make, and more than a second to load. */
export const LARGE: FaultPreset = {
  shape: { layers: 8, embeddingLength: 1_024, heads: 8, kvHeads: 4, feedForwardLength: 4_096 },
  memory: "400MiB",
  contextSize: 4_096,
  streamTokens: 100,
  heldTokens: 30,
};

const SLOT_COUNT = 3;
const STREAM_COUNT = 2;
const QUEUED_COUNT = 3;

/** A gateway over three rpc backends of which its one model needs two, and many clients. */
export class FaultBed implements AsyncDisposable {
  #gateway: ServedGateway | undefined;

  private constructor(
    private readonly bed: GatewayBed,
    /** The three. */
    readonly backends: readonly ShelfBackend[],
    private readonly preset: FaultPreset,
    private readonly stack: AsyncDisposableStack,
  ) {}

  /** Makes the model and starts the rpc backends; no gateway yet. */
  static async create(programs: RealPrograms, preset: FaultPreset): Promise<FaultBed> {
    await using stack = new AsyncDisposableStack();
    const bed = stack.use(await GatewayBed.create(programs, { backendCount: 0, shape: preset.shape }));
    const backends = await startShelf(programs.rpcServer, 3, stack);
    return new FaultBed(bed, backends, preset, stack.move());
  }

  /** The gateway that runs. */
  get gateway(): ServedGateway {
    return this.#gateway!;
  }

  /** Starts a gateway. */
  async serve(): Promise<void> {
    const rpcBackends = this.backends.map(({ endpoint }) => endpoint);
    const limits = Object.fromEntries(rpcBackends.map((name) => [name, `memory: ${this.preset.memory}`]));
    const settings: Settings = {
      "coordinator.placement": "auto",
      "coordinator.context_size": this.preset.contextSize,
      "coordinator.ubatch_size": 32, // small compute buffers
      "coordinator.slots": SLOT_COUNT,
      "timeouts.stall": "2s",
      "pool.restart_window": "1s", // each fault is the first one
      "rpc.trust": "1s",
    };
    this.#gateway = this.stack.use(await this.bed.serve({ rpcBackends, limits, settings }));
  }

  /** Asks for an orderly end, and fails unless nothing is left. */
  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.assertNothingLeft();
  }

  /** Fails if a process or a temporary file of a gateway is left. */
  async assertNothingLeft(): Promise<void> {
    await this.bed.assertNothingLeft();
  }

  /** Has the model loaded on two rpc backends, and the third free and known to be so. */
  async warmUp(): Promise<void> {
    await this.gateway.untilBackendsAreUp();
    const { end, error } = await this.ask(false, { maxTokens: 1 });
    equal(end, "whole", error?.message);
    equal((await this.gateway.coordinatorOf("tiny")).endpoints.length, 2);
  }

  /** Has the model unloaded, and all rpc backends free. */
  async coolDown(): Promise<void> {
    await this.warmUp();
    await this.gateway.unload("tiny");
    await this.gateway.untilBackendsAreUp();
  }

  /** One request, as long as is usual here. */
  ask(stream: boolean, options: Partial<AskOptions> = {}): Promise<Reply> {
    return ask(this.gateway.url, { stream, maxTokens: this.preset.heldTokens, ...options });
  }

  /**
   * Fills all slots and a queue behind them: streams that have said something, an answer that has not, and some of both
   * that wait.
   */
  async load(): Promise<Promise<Reply>[]> {
    let talkingCount = 0;
    const replies = Array.from({ length: STREAM_COUNT }, () => {
      const onToken = (heardCount: number) => heardCount === 3 && talkingCount++;
      return this.ask(true, { maxTokens: this.preset.streamTokens, onToken });
    });
    await eventually("the streams have begun", () => talkingCount === STREAM_COUNT);
    replies.push(this.ask(false));
    await eventually("all slots are used", async () => (await this.#view()).inFlightCount === SLOT_COUNT);
    for (let index = 0; index < QUEUED_COUNT; index++) replies.push(this.ask(index % 2 === 0));
    await eventually("the others wait", async () => (await this.#view()).waitingCount === QUEUED_COUNT);
    return replies;
  }

  /** An rpc backend that the coordinator holds. */
  async usedBackend(): Promise<ShelfBackend> {
    const { endpoints } = await this.gateway.coordinatorOf("tiny");
    return this.backends.find(({ endpoint }) => endpoint === endpoints[0])!;
  }

  /** Process id of the coordinator. */
  async coordinatorPid(): Promise<number> {
    return (await this.gateway.coordinatorOf("tiny")).pid!;
  }

  /** From a moment, ms since 1970, to the first line of the log from then on that is one of these, ms. */
  msUntilLogged(isIt: (line: LogRecord) => boolean, sinceMs: number): number | undefined {
    const line = this.gateway.program.log.find((line) => Date.parse(line.time) >= sinceMs && isIt(line));
    return line && Date.parse(line.time) - sinceMs;
  }

  /** Coordinators that run now. */
  coordinatorProcesses(): SandboxedProcess[] {
    return this.bed.sandbox.processes().filter(({ command }) => command.includes(" --rpc "));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }

  async #view() {
    return (await this.gateway.health()).coordinators[0]!;
  }
}
