import type { ServedModel } from "../dialects/served_model.ts";
import type { UpstreamAddress } from "../http/address.ts";
import type { HeaderList } from "../http/headers.ts";
import type { Coordinator } from "./coordinator.ts";
import type { VerifiedPlacement } from "./placement_check.ts";
import type { ServingCoordinator } from "./serving.ts";

/** Where a coordinator was placed. */
export interface PlacedTerms extends Pick<ServingCoordinator, "because" | "endpoints" | "served"> {
  /** Aborts when it is to end as soon as it is idle. */
  readonly leaving: AbortSignal;
}

/** A coordinator of ours that serves, where it was planned. */
export class PlacedCoordinator implements ServingCoordinator {
  readonly upstream: string;
  readonly headers: HeaderList;
  readonly because: string;
  readonly leaving: AbortSignal;
  readonly endpoints: readonly string[];
  readonly served: ServedModel;

  /** A coordinator that serves, and the terms that it was started by. */
  constructor(
    readonly key: string,
    private readonly coordinator: Coordinator,
    { because, endpoints, served, leaving }: PlacedTerms,
  ) {
    this.upstream = `coordinator of ${coordinator.model}`;
    this.headers = [["authorization", `Bearer ${coordinator.apiKey}`]];
    this.because = because;
    this.leaving = leaving;
    this.endpoints = endpoints;
    this.served = served;
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

  get slotCount(): number {
    return this.coordinator.slotCount;
  }

  /** Tokens of one slot. */
  get contextSize(): number {
    return this.coordinator.contextSize;
  }

  /** Tokens that all its slots together generate in a second, as of the last look. */
  get tokensPerSecond(): number {
    return this.coordinator.tokensPerSecond;
  }

  /** Process id of its llama-server. */
  get pid(): number {
    return this.coordinator.pid;
  }

  stop(): Promise<void> {
    return this.coordinator.stop();
  }
}
