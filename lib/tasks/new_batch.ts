import type { Clock } from "../clock.ts";
import { GatewayError, messageOf } from "../errors.ts";
import { formatDuration, parseDuration } from "../units.ts";
import type { Batch, BatchService, StoredFile } from "./batch.ts";

/** What somebody asks for. */
export type NewBatch = Parameters<BatchService["createBatch"]>[0];

const MAX_WINDOW_MS = 365 * 24 * 3600 * 1_000;
const MAX_WINDOW_LENGTH = 100;
/** @see https://platform.openai.com/docs/api-reference/batch/create */
const MAX_METADATA = { count: 16, keyLength: 64, valueLength: 512 } as const;

/**
 * A batch that begins now.
 *
 * @throws {GatewayError} `invalid_request`.
 */
export function newBatch(
  { inputFileId, endpoint, completionWindow, metadata, owner }: NewBatch,
  { purpose, clock, randomId }: {
    readonly purpose: StoredFile["purpose"];
    readonly clock: Clock;
    readonly randomId: () => string;
  },
): Batch {
  if (purpose !== "batch") {
    throw invalid(
      "input_file_id",
      `Cannot begin a batch with file "${inputFileId}": its purpose is ${purpose}, not batch`,
    );
  }
  checkMetadata(metadata);
  const createdAtMs = clock.now();
  return {
    id: `batch_${randomId()}`,
    endpoint,
    inputFileId,
    completionWindow: completionWindow.trim(),
    status: "validating",
    mistakes: [],
    outputFileId: undefined,
    errorFileId: undefined,
    counts: { total: 0, completed: 0, failed: 0 },
    metadata,
    createdAtMs,
    expiresAtMs: createdAtMs + parseWindow(completionWindow),
    startedAtMs: undefined,
    finalizingAtMs: undefined,
    endedAtMs: undefined,
    cancellingAtMs: undefined,
    owner,
  };
}

/** The text is kept and told in every list. */
function parseWindow(text: string): number {
  const ms = windowMs(text);
  if (ms >= 1 && ms <= MAX_WINDOW_MS) return Math.floor(ms);
  const longest = formatDuration(MAX_WINDOW_MS);
  throw invalid("completion_window", `"completion_window" must be more than nothing and at most ${longest}`);
}

function windowMs(text: string): number {
  if (text.length > MAX_WINDOW_LENGTH) {
    const message =
      `"completion_window" has ${text.length} characters; at most ${MAX_WINDOW_LENGTH} are allowed`;
    throw invalid("completion_window", message);
  }
  try {
    return parseDuration(text);
  } catch (cause) {
    throw invalid(
      "completion_window",
      `"completion_window" must be a duration such as "24h": ${messageOf(cause)}`,
    );
  }
}

function checkMetadata(metadata: NewBatch["metadata"]): void {
  const { count, keyLength, valueLength } = MAX_METADATA;
  const pairs = Object.entries(metadata);
  const isFine = pairs.length <= count &&
    pairs.every(([key, value]) => key.length <= keyLength && value.length <= valueLength);
  if (isFine) return;
  throw invalid(
    "metadata",
    `"metadata" must have at most ${count} pairs, with keys of at most ${keyLength} and values of at most ${valueLength} characters`,
  );
}

function invalid(field: string, message: string): GatewayError {
  return new GatewayError("invalid_request", message, { field });
}
