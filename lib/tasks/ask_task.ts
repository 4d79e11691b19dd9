import type { Logger } from "../log.ts";
import type { SendTask, TaskAnswer, TaskRequest } from "./batch.ts";

/**
 * Sends a request. What the sender throws, and should not, counts as an answer: one bug ends no batch.
 *
 * @returns `undefined` if the signal aborted before there was an answer. Never rejects.
 */
export async function askTask(
  request: TaskRequest,
  { send, logger }: { readonly send: SendTask; readonly logger: Logger },
): Promise<TaskAnswer | undefined> {
  try {
    return await send(request);
  } catch (error) {
    if (request.signal.aborted) return undefined;
    logger.error("request of a batch failed in a way nobody foresaw", { request: request.id, reason: error });
    return { status: 500, body: unexpected(request.id), retryAfterSeconds: undefined };
  }
}

function unexpected(id: string): Record<string, unknown> {
  const message = `Something went wrong inside sollol; its log has the details under request ${id}`;
  return { error: { message, type: "server_error", param: null, code: "internal", request_id: id } };
}
