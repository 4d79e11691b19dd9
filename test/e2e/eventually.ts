import { fail } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 5;

/**
 * Waits until it is true.
 *
 * @param what What is waited for, in the words of the failure.
 * @param withinMs How long that may take. Default 10 s.
 */
export async function eventually(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!await isTrue()) {
    if (performance.now() > deadlineMs) fail(`waited ${withinMs} ms in vain: ${what}`);
    await delay(POLL_MS);
  }
}
