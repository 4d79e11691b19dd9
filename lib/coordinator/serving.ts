import type { UpstreamAddress } from "../http/address.ts";
import type { HeaderList } from "../http/headers.ts";
import type { Switchable } from "./switchable.ts";
import type { VerifiedPlacement } from "./placement_check.ts";

/** A coordinator that serves a model, as the gateway sees it. */
export interface ServingCoordinator extends Switchable {
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
}
