import {
  errorLine,
  isSuccess,
  MergedProgress,
  type ProgressLine,
  SUCCESS_LINE,
} from "../dialects/ollama_progress.ts";
import { readUpstreamError } from "../dialects/upstream_error.ts";
import { GatewayError, messageOf } from "../errors.ts";
import type { HttpResponse } from "../http/client.ts";
import { listNames } from "../name_list.ts";
import type { KnownNode } from "../nodes/node.ts";
import { MIB } from "../units.ts";
import { interleaved } from "./interleaved.ts";
import { unreached } from "./node_request.ts";
import { progressLines } from "./progress_lines.ts";

/** What a node says of a refusal is short. */
const MAX_REFUSAL_BYTES = MIB;
/** Nodes that a sentence tells. */
const TOLD_NODES = 5;

/** What the progress of an order is told with. */
export interface ProgressOptions {
  /** What was ordered, for sentences: `pull "llama3:8b"`. */
  readonly what: string;
  /** Called when a node has done it, before anybody hears of it; never rejects. */
  readonly onSuccess: (node: KnownNode) => Promise<void>;
  /** Aborts when nobody wants to know any more. */
  readonly signal: AbortSignal;
}

/**
 * The lines of one node as it writes them, without their ends. Whatever breaks off is told as Ollama tells an error, in
 * the last line.
 *
 * @throws The signal's reason.
 */
export async function* progressOfOne(
  node: KnownNode,
  response: HttpResponse,
  { what, onSuccess, signal }: ProgressOptions,
): AsyncGenerator<string, void> {
  let last: ProgressLine | undefined;
  try {
    for await (const line of progressLines(response.body)) {
      if (isSuccess(line)) await onSuccess(node);
      yield line.text;
      last = line;
    }
  } catch (error) {
    signal.throwIfAborted();
    return yield errorLine(`Cannot ${what}: ${sentenceOf(node, error)}`);
  }
  if (!last || !(isSuccess(last) || last.error !== undefined)) yield errorLine(brokenOff(node, what));
}

/**
 * The lines of several nodes as those of one. Who fails does not keep the others from going on; at the end it is told who
 * did, and what to do.
 *
 * @param open Asks a node.
 * @throws The signal's reason.
 */
export async function* progressOfMany(
  nodes: readonly KnownNode[],
  open: (node: KnownNode, signal: AbortSignal) => Promise<HttpResponse>,
  options: ProgressOptions,
): AsyncGenerator<string, void> {
  const { what, signal } = options;
  const merged = new MergedProgress(nodes.map(({ name }) => name));
  const failures = new Map<string, string>();
  const stopped = new AbortController();
  const ending = AbortSignal.any([signal, stopped.signal]);
  const sources = nodes.map((node) => newsOf(node, () => open(node, ending), { ...options, signal: ending }));
  for await (const { node, line, failure } of interleaved(sources, () => stopped.abort())) {
    if (failure !== undefined) failures.set(node.name, failure);
    const told = line ? merged.push(node.name, line) : merged.fail(node.name, failure!);
    if (told !== undefined) yield told;
  }
  signal.throwIfAborted();
  yield failures.size === 0 ? SUCCESS_LINE : errorLine(sumUp(what, merged.succeeded, failures));
}

/** A line of a node, or why there are no more. */
type NodeNews =
  & { readonly node: KnownNode }
  & (
    | { readonly line: ProgressLine; readonly failure?: undefined }
    | { readonly line?: undefined; readonly failure: string }
  );

/** Never throws. */
async function* newsOf(
  node: KnownNode,
  open: () => Promise<HttpResponse>,
  { what, onSuccess }: ProgressOptions,
): AsyncGenerator<NodeNews, void> {
  try {
    const response = await open();
    if (response.status !== 200) return yield { node, failure: await refusalOf(response) };
    for await (const line of progressLines(response.body)) {
      if (line.error !== undefined) return yield { node, failure: line.error };
      if (isSuccess(line)) await onSuccess(node);
      yield { node, line };
      if (isSuccess(line)) return;
    }
    yield { node, failure: brokenOff(node, what) };
  } catch (error) {
    yield { node, failure: sentenceOf(node, error) };
  }
}

async function refusalOf({ status, body }: HttpResponse): Promise<string> {
  const { message } = readUpstreamError(await body.bytes(MAX_REFUSAL_BYTES));
  return message || `it answered ${status}`;
}

function sentenceOf(node: KnownNode, error: unknown): string {
  const told = unreached(node, error);
  return told instanceof GatewayError ? told.message : messageOf(error);
}

function brokenOff({ name }: KnownNode, what: string): string {
  return `Node ${name} broke off before it said that it could ${what}; look at its Ollama's log, and try again`;
}

function sumUp(what: string, succeeded: readonly string[], failures: ReadonlyMap<string, string>): string {
  const told = [...failures].map(([name, reason]) => `${name}: ${reason}`);
  const names = [...failures.keys()].join(",");
  const done = succeeded.length === 0 ? "no node could" : `${listNames(succeeded, TOLD_NODES)} could`;
  return `Cannot ${what} on ${failures.size} of ${failures.size + succeeded.length} nodes (${done}): ` +
    `${listNames(told, TOLD_NODES)}; try again with the header x-sollol-node: ${names}`;
}
