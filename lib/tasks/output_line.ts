import type { TaskAnswer } from "./batch.ts";

/** Which request a line of an output file is of. */
export interface OutputLineOf {
  /** `batch_req_…`; found again in the log. */
  readonly requestId: string;
  /** By which its sender knows it. */
  readonly customId: string;
}

/**
 * A line of an output or error file for a request that was answered, whatever the status.
 *
 * @returns JSON without a line feed.
 * @see https://platform.openai.com/docs/api-reference/batch/request-output
 */
export function answeredLine({ requestId, customId }: OutputLineOf, { status, body }: TaskAnswer): string {
  const response = { status_code: status, request_id: requestId, body };
  return JSON.stringify({ id: requestId, custom_id: customId, response, error: null });
}

/** A line of an error file for a request that has no answer; JSON without a line feed. */
export function unansweredLine(
  { requestId, customId }: OutputLineOf,
  error: { readonly code: string; readonly message: string },
): string {
  const { code, message } = error;
  return JSON.stringify({ id: requestId, custom_id: customId, response: null, error: { code, message } });
}
