import { GatewayError, messageOf } from "../lib/errors.ts";
import { invalidField } from "../lib/json_complaint.ts";
import type { JsonShape } from "../lib/json_shape.ts";
import { formatBytes } from "../lib/units.ts";
import { readBody } from "./read_body.ts";

/** What the body of a request to our own API must be. */
export interface JsonBody<T> {
  /** Its shape; unknown fields should be refused by it. */
  readonly schema: JsonShape<T>;
  /** The most bytes that such a body ever needs. */
  readonly maxBytes: number;
}

/**
 * Reads a JSON body of our own API, which changes the state of the gateway.
 *
 * It must be declared as `application/json`, also where there is none, which is read as `{}`. That keeps web pages out, which a browser on this machine may show: what a
 * page may send to another site unasked is a form, plain text or no body, and before anything else the browser asks that site
 * for permission, which we never give. `Origin` is not looked at: it tells nothing more, since a page whose name was
 * made to resolve to our address has the right one; against that only an API key helps.
 *
 * @throws {GatewayError} `unsupported_encoding`, `too_large`, or `invalid_request` with the field at fault.
 */
export async function readJson<T>(request: Request, wanted: JsonBody<T>): Promise<T> {
  return (await readJsonWithBytes(request, wanted)).said;
}

/**
 * As {@linkcode readJson}, for who passes parts of the body on as they are.
 *
 * @throws {GatewayError} As {@linkcode readJson} does.
 */
export async function readJsonWithBytes<T>(
  request: Request,
  { schema, maxBytes }: JsonBody<T>,
): Promise<{ readonly said: T; readonly bytes: Uint8Array }> {
  const type = request.headers.get("content-type") ?? "";
  if (type.split(";")[0]!.trim().toLowerCase() !== "application/json") {
    const message =
      `The body must be JSON, or none; send the header "content-type: application/json" in any case`;
    throw new GatewayError("unsupported_encoding", message);
  }
  const bytes = await readShortBody(request, maxBytes);
  const said = parse(bytes);
  const result = schema.safeParse(said);
  if (result.success) return { said: result.data, bytes };
  throw invalidField(said, result.error);
}

async function readShortBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  try {
    return await readBody(request, maxBytes);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "too_large") throw error;
    const message = `The body is larger than ${formatBytes(maxBytes)}, which no body here needs; send less`;
    throw new GatewayError("too_large", message, { cause: error });
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function parse(body: Uint8Array): unknown {
  if (body.byteLength === 0) return {};
  try {
    return JSON.parse(decoder.decode(body));
  } catch (cause) {
    const detail = cause instanceof TypeError ? "it is not UTF-8" : messageOf(cause);
    throw new GatewayError("invalid_request", `The body is not valid JSON: ${detail}`, { cause });
  }
}
