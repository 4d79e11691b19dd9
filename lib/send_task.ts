import type { ModelAccess } from "./auth/model_access.ts";
import type { OwnerRights } from "./auth/owner.ts";
import { errorBody } from "./dialects/openai.ts";
import { GatewayError } from "./errors.ts";
import type { Gateway } from "./gateway.ts";
import { headerValue } from "./http/headers.ts";
import { OPENAI_REQUESTS } from "./openai_requests.ts";
import type { SendTask, TaskAnswer, TaskRequest } from "./tasks/batch.ts";

/** Less than what any client may ask for. */
const PRIORITY = -1_000;

/**
 * Sends the requests of batches through the gateway, behind all that somebody waits for.
 *
 * @param rights What the owners of batches may do. Default: everything.
 * @returns A sender whose every failure that we understand is an answer, as a client of the endpoint would get it. What
 *   nobody foresaw is thrown: whoever sends logs it under the request's id, and tells no more of it than that.
 */
export function sendTaskOver(
  gateway: Pick<Gateway, "infer">,
  rights: Pick<OwnerRights, "accessOf"> = { accessOf: () => undefined },
): SendTask {
  return async (request) => {
    try {
      return await send(gateway, request, rights.accessOf(request.owner));
    } catch (error) {
      request.signal.throwIfAborted();
      if (error instanceof GatewayError) return refusal(error, request.id);
      throw error;
    }
  };
}

async function send(
  gateway: Pick<Gateway, "infer">,
  { endpoint, body, id, owner, signal }: TaskRequest,
  access: ModelAccess | undefined,
): Promise<TaskAnswer> {
  const { status, headers, body: said, report } = await gateway.infer({
    ...OPENAI_REQUESTS[endpoint](body),
    stream: false,
    id,
    priority: PRIORITY,
    keyName: owner,
    access,
    signal,
  });
  if (said instanceof Uint8Array) {
    const upstream = "upstream" in report ? report.upstream : undefined;
    return { status, body: parsed(said), retryAfterSeconds: secondsIn(headers), upstream };
  }
  said.cancel();
  const message =
    "The upstream answered with a stream, though none was asked for; see that it is an Ollama or llama-server";
  throw new GatewayError("upstream_failed", message);
}

function refusal(error: GatewayError, id: string): TaskAnswer {
  const { status, retryAfterSeconds } = error;
  return { status, body: errorBody(error, id), retryAfterSeconds };
}

const decoder = new TextDecoder();

/** JSON, or the text that it is. */
function parsed(body: Uint8Array): unknown {
  const text = decoder.decode(body);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `Retry-After` may also be a date, which no upstream of ours says. */
function secondsIn(headers: Parameters<typeof headerValue>[0]): number | undefined {
  const said = headerValue(headers, "retry-after")?.trim() ?? "";
  return /^\d{1,9}$/.test(said) ? Number(said) : undefined;
}
