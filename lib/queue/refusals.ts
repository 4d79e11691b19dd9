import { GatewayError } from "../errors.ts";
import { formatDuration } from "../units.ts";

/** Of what the queue is full. */
export interface FullQueue {
  /** So many may wait. */
  readonly maxCount: number;
  /** Whether it is work in the background that may wait no more. */
  readonly isInBackground: boolean;
}

/** As many requests of one kind wait as may. */
export function queueIsFull(model: string, { maxCount, isInBackground }: FullQueue): GatewayError {
  const waiting = (maxCount === 1 ? "1 request waits" : `${maxCount} requests wait`) +
    (isInBackground ? " in the background" : "");
  const message = `Cannot queue a request for "${model}": ${waiting} already, which is all that may; ` +
    "try again in a moment, or raise limits.queue";
  return new GatewayError("rate_limited", message);
}

/** A request that has waited for others for as long as it may. */
export interface Overdue {
  /** So long, ms. */
  readonly waitedMs: number;
  /** What its model waits for, to follow its name. */
  readonly because: string;
  /** Whether the request itself said how long it would wait. */
  readonly isOwnLimit: boolean;
}

/** A request has waited for others for as long as it may. */
export function waitedTooLong(model: string, { waitedMs, because, isOwnLimit }: Overdue): GatewayError {
  const message =
    `Cannot serve "${model}" now: the request has waited ${formatDuration(waitedMs)} for others, and ` +
    `"${model}" ${because}; try again later, or ${
      isOwnLimit ? "let it wait longer" : "raise limits.queue_wait"
    }`;
  return new GatewayError("no_capacity", message);
}

/** The gateway closes. @param cause What it cut, if it cut something. */
export function shuttingDown(cause?: unknown): GatewayError {
  return new GatewayError("shutting_down", "The gateway is shutting down; ask again in a moment", { cause });
}
