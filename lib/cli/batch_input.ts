import { basename } from "node:path";
import { GatewayError, messageOf } from "../errors.ts";
import { BATCH_ENDPOINTS, type BatchEndpoint } from "../tasks/batch.ts";
import { formatBytes, GIB } from "../units.ts";

/** It is held in memory until it is sent. */
const MAX_BYTES = GIB;
const LF = 10;

/** A file of requests. */
export interface BatchInput {
  /** Without its folder. */
  readonly name: string;
  /** All of it. */
  readonly content: Uint8Array;
}

/** Reads a file of requests. @throws {GatewayError} `invalid_request` if it cannot be read or has nothing in it. */
export async function readBatchInput(path: string): Promise<BatchInput> {
  const content = await readWhole(path);
  if (!content.some((byte) => byte > 0x20)) {
    throw cannot(path, "it is empty; write one request a line");
  }
  return { name: basename(path), content };
}

/**
 * What the first request asks for; all others must ask for the same.
 *
 * @throws {GatewayError} `invalid_request` if it does not say.
 */
export function endpointOf({ name, content }: BatchInput): BatchEndpoint {
  const start = content.findIndex((byte) => byte > 0x20);
  const end = content.indexOf(LF, start);
  const line = decoder.decode(content.subarray(start, end < 0 ? undefined : end));
  const endpoint = BATCH_ENDPOINTS.find((known) => known === urlIn(line));
  if (endpoint) return endpoint;
  throw cannot(
    name,
    `the "url" of its first line must be one of ${
      BATCH_ENDPOINTS.join(", ")
    }; or say what to ask for by --endpoint`,
  );
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    const { size, isDirectory } = await Deno.stat(path);
    if (isDirectory) throw cannot(path, "it is a directory");
    if (size > MAX_BYTES) {
      throw cannot(
        path,
        `it has ${formatBytes(size)}, and ${formatBytes(MAX_BYTES)} is the most; send it in parts`,
      );
    }
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    const isMissing = cause instanceof Deno.errors.NotFound;
    throw cannot(path, isMissing ? "there is no such file" : messageOf(cause), cause);
  }
}

function urlIn(line: string): unknown {
  try {
    return JSON.parse(line)?.url;
  } catch {
    return undefined;
  }
}

function cannot(path: string, why: string, cause?: unknown): GatewayError {
  const message = `Cannot run "${path}": ${why}`;
  return new GatewayError("invalid_request", message, cause === undefined ? {} : { cause });
}

const decoder = new TextDecoder();
