import type { ServedModel } from "../dialects/served_model.ts";
import type { UpstreamAddress } from "../http/address.ts";
import type { HeaderList } from "../http/headers.ts";
import type { Pooled } from "../pool/pooled.ts";
import type { VerifiedPlacement } from "./placement_check.ts";

/** A coordinator that serves a model, as the gateway sees it. */
export interface ServingCoordinator extends Pooled {
  /** Canonical key of its model. */
  readonly key: string;
  /** Its name in headers and logs. */
  readonly upstream: string;
  /** Where it answers, for this life only. */
  readonly address: UpstreamAddress;
  /** Its own credentials. */
  readonly headers: HeaderList;
  /** Where its layers are and why, one sentence. */
  readonly because: string;
  /** Where its layers are, as llama.cpp confirmed it. */
  readonly placement: VerifiedPlacement;
  /** Its model, as far as requests must know it. */
  readonly served: ServedModel;
  /** Process id of its llama-server. */
  readonly pid: number;
  /** Tokens of one slot. */
  readonly contextSize: number;
  /** Tokens that all its slots together generate in a second, as of the last look; 0 if it is idle. */
  readonly tokensPerSecond: number;
}
