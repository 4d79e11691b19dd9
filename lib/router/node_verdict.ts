import type { Clock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import { HttpError } from "../http/error.ts";
import type { NodeLease } from "../nodes/node.ts";
import { NodeRefusal } from "./node_answer.ts";
import type { Route } from "./route.ts";

/**
 * For how long the slot of a node that answered 5xx is held back at most, ms: so that it fails few others until it is known
 * whose fault that is, and no two requests wait for each other's slots.
 */
const HELD_BACK_MS = 500;

/** A node that answered 5xx. */
interface Suspect {
  readonly route: Route;
  readonly lease: NodeLease;
  readonly refusal: NodeRefusal;
}

/**
 * Says of the nodes that failed one request whose fault it was.
 *
 * A 5xx may be what the request deserves: Ollama answers 500 to options of the wrong type, and one client that sends such
 * must not make all nodes look broken. So it is the node's fault only if another one answers the same request better.
 */
export class NodeVerdict implements Disposable {
  readonly #suspects: Suspect[] = [];
  #settled: AbortController | undefined;

  /** Nobody has failed yet. */
  constructor(private readonly clock: Pick<Clock, "sleep">) {}

  /** A node failed; its lease is given back now or, where it is under suspicion, with the verdict, and its slot soon. */
  failed(route: Route, lease: NodeLease, thrown: unknown): void {
    if (thrown instanceof NodeRefusal && thrown.kind === "failed") {
      this.#suspects.push({ route, lease, refusal: thrown });
      this.#settled ??= new AbortController();
      const { signal } = this.#settled;
      void this.clock.sleep(HELD_BACK_MS, { signal }).then(() => lease.giveSlotBack(), () => {});
      return;
    }
    report(lease, thrown);
    route[Symbol.dispose]();
  }

  /** Somebody answered the request: it was all right. */
  answered(): void {
    for (const { lease, refusal } of this.#suspects) lease.reportFailure(refusal);
    this[Symbol.dispose]();
  }

  /** It stays open whose fault it was: nobody is blamed. */
  [Symbol.dispose](): void {
    this.#settled?.abort();
    for (const { route } of this.#suspects.splice(0)) route[Symbol.dispose]();
  }
}

function report(lease: NodeLease, thrown: unknown): void {
  if (thrown instanceof NodeRefusal) {
    switch (thrown.kind) {
      case "busy":
        return lease.reportBusy(thrown.pauseMs);
      case "missing":
        return lease.reportMissing();
      case "too large":
        return lease.reportTooLarge();
      case "unable":
        return;
      default:
        return lease.reportFailure(thrown);
    }
  }
  const isItsFault = thrown instanceof HttpError || thrown instanceof GatewayError;
  if (isItsFault) lease.reportFailure(thrown);
}
