import { Counter, ObservedGauge, type Series } from "../metrics/series.ts";
import type { CloseReason } from "./front.ts";

/** How many connections clients have, and why those that they had were closed, in Prometheus' text format. */
export class ConnectionMetrics implements Series {
  #openCount: () => number = () => 0;
  readonly #open = new ObservedGauge(
    "sollol_client_connections",
    "Connections of clients that are open.",
    [],
    () => [[[], this.#openCount()]],
  );
  readonly #closed = new Counter(
    "sollol_client_connections_closed_total",
    "Connections of clients that were closed, by reason.",
    ["reason"],
  );

  /** Tells from now on what this gives. */
  observe(openCount: () => number): void {
    this.#openCount = openCount;
  }

  /** One was closed. */
  closed(reason: CloseReason): void {
    this.#closed.increment(reason);
  }

  /** Both series now. */
  render(): string {
    return this.#open.render() + this.#closed.render();
  }
}
