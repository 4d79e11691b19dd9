import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { messageOf } from "../errors.ts";
import { formatDuration } from "../units.ts";
import { untilAborted } from "../until_aborted.ts";
import { fail, type Finding, skip, warn } from "./finding.ts";

/** What a check is about; in the order of the report. */
export const CHECK_GROUPS = [
  "configuration",
  "this machine",
  "llama.cpp",
  "models",
  "rpc backends",
  "Ollama nodes",
  "gateway",
  "service",
] as const;

/** One of {@linkcode CHECK_GROUPS}. */
export type CheckGroup = typeof CHECK_GROUPS[number];

/** One thing to look at. */
export interface Check {
  /** Names the kind of check; programs may rely on it. */
  readonly name: string;
  /** Where it stands in the report. */
  readonly group: CheckGroup;
  /** Which of several is looked at, such as `gpu1:50052`; may come from elsewhere. */
  readonly subject?: string | undefined;
  /** How long it may take, ms. Default 6,000. */
  readonly deadlineMs?: number;
  /** Looks. Changes nothing. What it throws is told as a finding. */
  examine(signal: AbortSignal): Promise<Finding>;
}

/** A check and what it found. */
export interface Report extends Finding {
  /** See {@linkcode Check.name}. */
  readonly name: string;
  /** See {@linkcode Check.group}. */
  readonly group: CheckGroup;
  /** See {@linkcode Check.subject}. */
  readonly subject: string | undefined;
}

/** How checks are run. */
export interface RunChecksOptions {
  /** Time. */
  readonly clock: Clock;
  /** Ends the run; it then rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

const DEADLINE_MS = 6_000;

/**
 * Runs all checks at the same time, each with its own deadline, and gives what they found in their order: whoever
 * prints it need not wait for the slowest one. A check that hangs or throws is a finding like others.
 *
 * @param stages What to run. Of a later one it may be known only after some waiting; none may reject.
 * @throws The signal's reason.
 */
export async function* runChecks(
  stages: readonly (readonly Check[] | Promise<readonly Check[]>)[],
  options: RunChecksOptions,
): AsyncGenerator<Report, void> {
  const running = stages.map(async (stage) => {
    const checks = await stage;
    return checks.map((check) => runCheck(check, options)); // all of them begin here
  });
  for (const stage of running) {
    for (const report of await stage) {
      const found = await report;
      options.signal.throwIfAborted();
      yield found;
    }
  }
}

/** Runs one check. Never rejects: one that is told to end is a `skip`. */
export async function runCheck(check: Check, { clock, signal }: RunChecksOptions): Promise<Report> {
  const { name, group, subject, deadlineMs = DEADLINE_MS } = check;
  using deadline = new Deadline(clock, deadlineMs, { signal });
  // raced, since not all that it waits for can be told to end: a file system whose server is gone, for one
  const ended = untilAborted(deadline.signal).then((): Finding => {
    return deadline.hasPassed ? hung(deadlineMs) : skip("interrupted");
  });
  const found = await Promise.race([examined(check, deadline.signal), ended]);
  return { name, group, subject, ...found };
}

async function examined(check: Check, signal: AbortSignal): Promise<Finding> {
  try {
    return await check.examine(signal);
  } catch (error) {
    if (signal.aborted) return await new Promise<never>(() => {}); // the race is decided
    return fail(`the check itself failed: ${messageOf(error)}`, "report it, with this line");
  }
}

function hung(deadlineMs: number): Finding {
  return warn(
    `no answer within ${formatDuration(deadlineMs)}`,
    "look whether the disk, the name server or the program that is asked here hangs, and run sollol doctor again",
  );
}
