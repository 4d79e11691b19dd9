import type { Clock } from "../clock.ts";
import { readProgress } from "../dialects/ollama_progress.ts";
import { readUpstreamError } from "../dialects/upstream_error.ts";
import { GatewayError, messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { outcomeOf, statusOf } from "../router/request_record.ts";
import type { OrderPlace } from "./model_order.ts";
import type { NodeAnswer } from "./node_request.ts";

/** What the line of an order says of it. */
export interface RecordedOrder {
  /** Of the request. */
  readonly requestId: string;
  /** What was ordered. */
  readonly order: "pull" | "push" | "create" | "copy" | "delete" | "blob";
  /** The model that it is about; a blob has none. */
  readonly model?: string;
  /** The blob that it is about. */
  readonly digest?: string;
}

/** What becomes of one order: its one wide log line. */
export class OrderRecord {
  readonly #startedMs: number;
  #place: OrderPlace | undefined;
  #isOver = false;

  /** The order has arrived: its time runs. @param signal Aborts when its client leaves, which ends it. */
  constructor(
    private readonly parts: { readonly clock: Pick<Clock, "monotonic">; readonly logger: Logger },
    private readonly recorded: RecordedOrder,
    private readonly signal: AbortSignal,
  ) {
    this.#startedMs = parts.clock.monotonic();
    signal.addEventListener("abort", () => this.fails(signal.reason), { once: true });
  }

  /** It is known where it goes. */
  goes({ nodes, because }: OrderPlace): void {
    this.#place = { nodes, because };
  }

  /** It is over, with these words of a node. */
  answers({ status, body }: NodeAnswer): void {
    this.#ends(status, undefined, status < 300 ? undefined : readUpstreamError(body).message);
  }

  /** It is over: it could not be done, or its client has left. */
  fails(error: unknown): void {
    this.#ends(statusOf(error, this.signal), error, messageOf(error));
  }

  /** Passes lines on; the last one says how the order ended. It is also over when they are read no further. */
  async *follow(lines: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
    let last = "";
    try {
      for await (const line of lines) {
        last = line;
        yield line;
      }
      const error = readProgress(last)?.error;
      this.#ends(error === undefined ? 200 : 500, undefined, error);
    } catch (error) {
      this.fails(error);
      throw error;
    } finally {
      this.fails(new GatewayError("client_closed", "The client left before it was told how the order ended"));
    }
  }

  #ends(status: number, error: unknown, message: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const outcome = outcomeOf(status, error);
    this.parts.logger[outcome === "failed" ? "warn" : "info"]("order", {
      ...this.recorded,
      outcome,
      status,
      nodes: this.#place?.nodes,
      because: this.#place?.because,
      durationMs: Math.round(this.parts.clock.monotonic() - this.#startedMs),
      error: message || undefined,
    });
  }
}
