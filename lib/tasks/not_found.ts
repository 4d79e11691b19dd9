import { GatewayError } from "../errors.ts";

/** There is no such file, or whoever asks may not know of it: both are told in the same words. */
export function noSuchFile(id: string): GatewayError {
  return notFound("file", id, "GET /v1/files lists those that there are");
}

/** The same of a batch. */
export function noSuchBatch(id: string): GatewayError {
  return notFound("batch", id, "`sollol batch list` and GET /v1/batches list those that there are");
}

function notFound(what: string, id: string, cure: string): GatewayError {
  return new GatewayError("not_found", `Cannot find ${what} ${JSON.stringify(id.slice(0, 100))}; ${cure}`);
}
