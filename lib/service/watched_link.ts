import type { WorkerReport } from "../rpc/worker_report.ts";
import { type BeatOutcome, GatewayLink } from "../worker/gateway_link.ts";

/** A link that remembers what became of the last report. */
export class WatchedLink extends GatewayLink {
  #outcome: BeatOutcome | undefined;

  /** `undefined` until there is one. */
  get outcome(): BeatOutcome | undefined {
    return this.#outcome;
  }

  /** As {@linkcode GatewayLink.report}. */
  override async report(report: WorkerReport, options: { signal: AbortSignal }): Promise<BeatOutcome> {
    return this.#outcome = await super.report(report, options);
  }
}
