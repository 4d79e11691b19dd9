import { RequestLine } from "../queue/request_line.ts";
import type { WaitingRoom } from "../queue/waiting_room.ts";
import type { CoordinatorLife, Waited } from "./life.ts";
import type { PoolDemand, Pooled } from "./pooled.ts";
import { QueuedRequest } from "./queued_request.ts";
import type { Resident } from "./resident.ts";
import type { ResidentHost } from "./resident_host.ts";

/** What a request gets when its turn has come. */
export interface Service<C extends Pooled, T> {
  /** Whether it uses a slot; if not, it only wants the model loaded: that is an operator's, and may always wait. */
  readonly needsSlot: boolean;
  /** Takes what it wants. */
  serve(life: CoordinatorLife<C>, waited: Waited): T;
}

/** Where requests for coordinators wait, and what hears of those that leave. */
export interface QueuePlace {
  /** They may share it with others. */
  readonly room: WaitingRoom;
  /** A client has left the line. */
  readonly onLeft: () => void;
}

/** Requests that wait for coordinators, of all models together. */
export class RequestQueue<C extends Pooled> extends RequestLine<QueuedRequest<C>> {
  /** Nobody waits yet. */
  constructor(private readonly host: Pick<ResidentHost, "clock">, { room, onLeft }: QueuePlace) {
    super(room, onLeft);
  }

  /** Lets a request wait. @throws The reason of the refusal; the signal's, as soon as that aborts. */
  enqueue<T>(resident: Resident<C>, demand: PoolDemand, { needsSlot, serve }: Service<C, T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.add(
      new QueuedRequest<C>({
        resident,
        demand,
        sinceMs: this.host.clock.monotonic(),
        needsSlot,
        serve: (life, waited) => resolve(serve(life, waited)),
        refuse: reject,
      }),
    );
    return promise;
  }

  /** Refuses those who wait for this model and whom somebody else would serve now. @returns How many. */
  sendElsewhere(key: string, reason: unknown): number {
    let count = 0;
    for (const request of this) {
      if (request.key !== key || !request.mayGoElsewhere) continue;
      this.remove(request);
      request.refuse(reason);
      count++;
    }
    return count;
  }

  /** Serves who waits for this model, the best first, as far as there are slots and its last call has not passed. */
  serve({ key, lastCallMs }: Resident<C>, life: CoordinatorLife<C>, nowMs: number): void {
    const isServable = (request: QueuedRequest<C>) =>
      request.key === key && request.sinceMs <= lastCallMs && (life.hasFreeSlot || !request.needsSlot);
    while (this.countOf(key) > 0) {
      const request = this.find(isServable);
      if (!request) return;
      this.remove(request);
      request.serve(life, nowMs);
    }
  }
}
