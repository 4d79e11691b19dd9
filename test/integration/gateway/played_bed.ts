import type { UpstreamAddress } from "../../../lib/http/address.ts";
import { type Play, PLAYED_MODEL, PlayedUpstream } from "../../fakes/played_upstream.ts";
import { FakeLlamaServer } from "../../fakes/fake_llama_server.ts";
import { nodeAt } from "../../fixtures/routing_bed.ts";
import { servedModel } from "../../fixtures/served_model.ts";
import { FakeCoordinator, GatewayBed } from "./gateway_bed.ts";

/** Both kinds of upstream. */
export const UPSTREAM_KINDS = ["node", "coordinator"] as const;

/** What answers: an Ollama node, or a coordinator of ours. */
export type UpstreamKind = typeof UPSTREAM_KINDS[number];

/** How a {@linkcode PlayedBed} is made. */
export interface PlayedBedOptions {
  /** Default 1,000: nobody waits for another. */
  readonly slotCount?: number;
  /** Nodes, named `a`, `b` and so on; each is played alike. Default 1. */
  readonly nodeCount?: number;
  /** Whether coordinators never get ready. */
  readonly isLoading?: boolean;
  /** Of the operator. */
  readonly config?: string;
}

/** A whole gateway over upstreams of one kind, whose every byte the test says. */
export class PlayedBed implements AsyncDisposable {
  readonly #owned = new AsyncDisposableStack();

  private constructor(
    readonly gateway: GatewayBed,
    readonly upstreams: readonly PlayedUpstream[],
    /** What its model is called. */
    readonly model: string,
  ) {}

  static async open(kind: UpstreamKind, play: Play, options: PlayedBedOptions = {}): Promise<PlayedBed> {
    const { slotCount = 1_000, nodeCount = 1, isLoading = false, config = "" } = options;
    await using opening = new AsyncDisposableStack();
    const count = kind === "node" ? nodeCount : 1;
    const upstreams = Array.from({ length: count }, () => opening.use(new PlayedUpstream(play)));
    const gateway = opening.use(
      await (kind === "node"
        ? GatewayBed.open({
          models: [],
          config,
          nodes: upstreams.map(({ url }, at) => nodeAt(url, { name: "abcd"[at]!, slotCount })),
        })
        : GatewayBed.open({
          config,
          start: async ({ key }, signal) => {
            if (isLoading) await untilAborted(signal);
            return new PlayedCoordinator(key, upstreams[0]!.address, slotCount);
          },
        })),
    );
    const bed = new PlayedBed(gateway, upstreams, kind === "node" ? PLAYED_MODEL : "fake");
    bed.#owned.use(opening.move());
    return bed;
  }

  get url(): string {
    return this.gateway.url;
  }

  /** Requests that have not ended. */
  get inFlightCount(): number {
    return this.gateway.gateway.health.inFlightCount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

class PlayedCoordinator extends FakeCoordinator {
  override readonly served = servedModel({
    name: "fake",
    capabilities: new Set(["completion", "tools", "insert", "embedding"]),
  });

  constructor(key: string, override readonly address: UpstreamAddress, override readonly slotCount: number) {
    super(key, new FakeLlamaServer()); // it is never asked
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
