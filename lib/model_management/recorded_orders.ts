import type { Clock } from "../clock.ts";
import type { StreamedBody } from "../http/request_head.ts";
import type { Logger } from "../log.ts";
import type { BlobOrder, ModelOrder, ModelOrders, OrderAnswer, OrderProgress } from "./model_order.ts";
import { OrderRecord, type RecordedOrder } from "./order_record.ts";

/** What {@linkcode RecordedOrders} works with. */
export interface RecordedOrdersParts {
  /** Does what is ordered. */
  readonly orders: ModelOrders;
  /** Gets one line for each order. */
  readonly logger: Logger;
  /** Time; only the monotonic one is looked at. */
  readonly clock: Pick<Clock, "monotonic">;
}

/** The same orders, each with one wide log line: a model that came or went is looked for there. */
export class RecordedOrders implements ModelOrders {
  /** Its parts stay the caller's. */
  constructor(private readonly parts: RecordedOrdersParts) {}

  /** See {@linkcode ModelOrders.pull}. */
  async pull(order: ModelOrder, signal: AbortSignal): Promise<OrderProgress> {
    return await this.#long("pull", order, signal);
  }

  /** See {@linkcode ModelOrders.push}. */
  async push(order: ModelOrder, signal: AbortSignal): Promise<OrderProgress> {
    return await this.#long("push", order, signal);
  }

  /** See {@linkcode ModelOrders.create}. */
  async create(order: ModelOrder, signal: AbortSignal): Promise<OrderProgress> {
    return await this.#long("create", order, signal);
  }

  /** See {@linkcode ModelOrders.copy}. */
  async copy(order: ModelOrder, signal: AbortSignal): Promise<OrderAnswer> {
    const record = this.#begin({ order: "copy", ...aboutModel(order) }, signal);
    return await short(record, () => this.parts.orders.copy(order, signal));
  }

  /** See {@linkcode ModelOrders.delete}. */
  async delete(order: ModelOrder, signal: AbortSignal): Promise<OrderAnswer> {
    const record = this.#begin({ order: "delete", ...aboutModel(order) }, signal);
    return await short(record, () => this.parts.orders.delete(order, signal));
  }

  /** See {@linkcode ModelOrders.findBlob}. A question, which changes nothing, has no line. */
  async findBlob(order: BlobOrder, signal: AbortSignal): Promise<OrderAnswer> {
    return await this.parts.orders.findBlob(order, signal);
  }

  /** See {@linkcode ModelOrders.putBlob}. */
  async putBlob(order: BlobOrder, body: StreamedBody, signal: AbortSignal): Promise<OrderAnswer> {
    const { requestId, digest } = order;
    const record = this.#begin({ order: "blob", requestId, digest }, signal);
    return await short(record, () => this.parts.orders.putBlob(order, body, signal));
  }

  async #long(
    kind: "pull" | "push" | "create",
    order: ModelOrder,
    signal: AbortSignal,
  ): Promise<OrderProgress> {
    const record = this.#begin({ order: kind, ...aboutModel(order) }, signal);
    const progress = await heard(record, () => this.parts.orders[kind](order, signal));
    record.goes(progress);
    if (!progress.refusal) return { ...progress, lines: record.follow(progress.lines) };
    record.answers(progress.refusal);
    return progress;
  }

  #begin(recorded: RecordedOrder, signal: AbortSignal): OrderRecord {
    return new OrderRecord(this.parts, recorded, signal);
  }
}

function aboutModel({ requestId, model }: ModelOrder): Pick<RecordedOrder, "requestId" | "model"> {
  return { requestId, model };
}

async function short(record: OrderRecord, run: () => Promise<OrderAnswer>): Promise<OrderAnswer> {
  const answer = await heard(record, run);
  record.goes(answer);
  record.answers(answer);
  return answer;
}

async function heard<T>(record: OrderRecord, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    record.fails(error);
    throw error;
  }
}
