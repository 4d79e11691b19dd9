import { GatewayError, messageOf } from "../errors.ts";
import type { HttpClient, HttpResponse } from "../http/client.ts";
import { HttpError } from "../http/error.ts";
import type { HeaderList } from "../http/headers.ts";
import type { RequestMessage } from "../http/request_head.ts";
import type { KnownNode } from "../nodes/node.ts";
import { MIB } from "../units.ts";

/** What a node is asked to do. */
export interface NodeRequest {
  /** Upper-case. */
  readonly method: "HEAD" | "POST" | "DELETE";
  /** Such as `/api/pull`. */
  readonly path: string;
  /** JSON, or a blob. */
  readonly body?: RequestMessage["body"];
  /** What its body is, and the like. */
  readonly headers?: HeaderList;
}

/** A node's answer, read whole. */
export interface NodeAnswer {
  /** HTTP status. */
  readonly status: number;
  /** As the node wrote it. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What Ollama has to say of an order is short, but for its progress. */
const MAX_ANSWER_BYTES = MIB;
/** For connecting, ms: a node that is up answers much sooner. */
const CONNECT_MS = 5_000;

/** The body of an order to a node. */
export function jsonBody(value: unknown): Pick<NodeRequest, "body" | "headers"> {
  return {
    body: new TextEncoder().encode(JSON.stringify(value)),
    headers: [["content-type", "application/json"]],
  };
}

/**
 * Asks a node. It may take its time: a download does.
 *
 * @throws {GatewayError} `backend_unreachable`, naming it; `upstream_failed` if it refuses us. The signal's reason.
 */
export async function askNode(
  http: Pick<HttpClient, "send">,
  node: KnownNode,
  { method, path, body, headers = [] }: NodeRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  try {
    const response = await http.send(node.address, {
      method,
      target: node.basePath + path,
      headers: [...headers, ["accept-encoding", "identity"], ...node.headers],
      ...(body && { body }),
      signal,
      connectTimeoutMs: CONNECT_MS,
    });
    if (response.status !== 401 && response.status !== 403) return response;
    response.body.cancel();
    const message =
      `Node ${node.name} answered ${response.status}; check the API key that it is configured with`;
    throw new GatewayError("upstream_failed", message);
  } catch (error) {
    signal.throwIfAborted();
    throw unreached(node, error);
  }
}

/**
 * The same for answers that are short.
 *
 * @throws {GatewayError} As {@linkcode askNode}. The signal's reason.
 */
export async function askNodeBriefly(
  http: Pick<HttpClient, "send">,
  node: KnownNode,
  request: NodeRequest,
  signal: AbortSignal,
): Promise<NodeAnswer> {
  return await wholeAnswer(node, await askNode(http, node, request, signal), signal);
}

/**
 * Reads the rest of a short answer.
 *
 * @throws {GatewayError} As {@linkcode askNode}. The signal's reason.
 */
export async function wholeAnswer(
  node: KnownNode,
  { status, body }: HttpResponse,
  signal: AbortSignal,
): Promise<NodeAnswer> {
  try {
    return { status, body: new Uint8Array(await body.bytes(MAX_ANSWER_BYTES)) };
  } catch (error) {
    signal.throwIfAborted();
    throw unreached(node, error);
  }
}

/** What breaks a conversation with a node, in a sentence that names it; whatever else was thrown stays as it is. */
export function unreached(node: KnownNode, error: unknown): unknown {
  if (!(error instanceof HttpError)) return error;
  const message = `Node ${node.name} gave no whole answer: ${
    messageOf(error)
  }; check whether its Ollama runs`;
  return new GatewayError("backend_unreachable", message, { cause: error });
}
