import type { Clock } from "../clock.ts";
import { maskUrl } from "../config/secrets.ts";
import { Deadline } from "../deadline.ts";
import type { HttpClient } from "../http/client.ts";
import { HttpError } from "../http/error.ts";
import { headerValue } from "../http/headers.ts";
import { causeOf, type UnreachedCause } from "../http/unreached.ts";
import { formatBytes, formatDuration, MIB } from "../units.ts";
import type { KnownNode, NodeModel, ResidentModel } from "./node.ts";
import { parseError, parseModels, parseResident, parseVersion } from "./node_answers.ts";

/** Where a node is asked, and with what. */
export type NodeTarget = Pick<KnownNode, "address" | "basePath" | "headers">;

/** A list of models, and the answer that it was read from. */
export interface ListedModels {
  /** As the node sent it. */
  readonly text: string;
  /** By canonical key. */
  readonly models: ReadonlyMap<string, NodeModel>;
}

/** A check that ended well. */
export interface NodeUp {
  /** It answers as an Ollama does. */
  readonly health: "up";
  /** Ollama's own. */
  readonly version: string;
  /** What it holds. The object that was known, if nothing has changed. */
  readonly listed: ListedModels;
  /** What it has in memory, by canonical key; `undefined` if it did not tell, which says nothing of what was known. */
  readonly resident: ReadonlyMap<string, ResidentModel> | undefined;
}

/** A check that did not. */
export interface NodeDown {
  /** It is not to be used. */
  readonly health: "down";
  /** What is wrong and what to do, in a clause. */
  readonly reason: string;
  /** What that says of it. */
  readonly cause: UnreachedCause;
}

/** What a check found. */
export type NodeFinding = NodeUp | NodeDown;

/** What {@linkcode checkNode} works with. */
export interface NodeCheckOptions {
  /** Stays the caller's to dispose. */
  readonly http: Pick<HttpClient, "send">;
  /** Time. */
  readonly clock: Clock;
  /** Ends the check. */
  readonly signal: AbortSignal;
  /** What the last check found that it holds: the same answer is not read again. */
  readonly known?: ListedModels | undefined;
}

/** For a whole check, ms. */
const CHECK_MS = 2_000;
const SMALL_BYTES = MIB;
const MAX_TAGS_BYTES = 16 * MIB;
/** What every answer of sollol carries; see `identify()`. */
const GATEWAY_HEADER = "x-sollol-request-id";

/**
 * Asks an Ollama what it is, what it holds and what it has in memory. It loads nothing there. No redirect is followed.
 * What it has in memory is a help, not a need: one that keeps that to itself, as it may while it loads a model, is up.
 *
 * @throws The signal's reason.
 */
export async function checkNode(target: NodeTarget, options: NodeCheckOptions): Promise<NodeFinding> {
  const { http, clock, signal, known } = options;
  using deadline = new Deadline(clock, CHECK_MS, { signal });
  const over = new AbortController(); // one bad answer ends the other request
  const ending = AbortSignal.any([deadline.signal, over.signal]);
  const ask = (path: string, maxBytes = SMALL_BYTES) => get(target, path, { http, maxBytes, signal: ending });
  try {
    const version = versionIn(await ask("/api/version"), target);
    const told = ask("/api/ps").then(residentIn, () => undefined);
    const listed = listedIn(await ask("/api/tags", MAX_TAGS_BYTES), target, known);
    const resident = await told;
    signal.throwIfAborted();
    return { health: "up", version, listed, resident };
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.hasPassed) return { health: "down", reason: SILENT, cause: "silent" };
    if (error instanceof Unfit) return down(error.message);
    if (!(error instanceof HttpError)) throw error;
    return notReached(error);
  } finally {
    over.abort();
  }
}

/** What it says of a node that a request to it failed. */
export function notReached(error: HttpError): NodeDown {
  return { health: "down", reason: error.message, cause: causeOf(error) };
}

const SILENT = `it did not answer whole within ${
  formatDuration(CHECK_MS)
}; check whether it hangs, and the network`;

/** Somebody answers there, but is of no use as a node; the message is a clause. */
class Unfit extends Error {}

interface Answer {
  readonly path: string;
  readonly status: number;
  readonly location: string | undefined;
  readonly text: string;
}

async function get(
  { address, basePath, headers }: NodeTarget,
  path: string,
  { http, maxBytes, signal }: { http: Pick<HttpClient, "send">; maxBytes: number; signal: AbortSignal },
): Promise<Answer> {
  const response = await http.send(address, {
    method: "GET",
    target: basePath + path,
    headers: [["accept-encoding", "identity"], ...headers],
    signal,
    fresh: true, // it is to show that a request would be taken
  });
  const isGateway = headerValue(response.headers, GATEWAY_HEADER) !== undefined;
  const isRead = response.status === 200 && !isGateway;
  const text = isRead ? await readText(response.body, path, maxBytes) : "";
  if (!isRead) response.body.cancel();
  if (isGateway) throw new Unfit(IS_GATEWAY);
  return { path, status: response.status, location: headerValue(response.headers, "location"), text };
}

const IS_GATEWAY = "it is a sollol gateway, perhaps this one, and no Ollama; configure Ollama's own address";

async function readText(
  body: { text(maxBytes: number): Promise<string> },
  path: string,
  maxBytes: number,
): Promise<string> {
  try {
    return await body.text(maxBytes);
  } catch (error) {
    if (!(error instanceof HttpError) || error.kind !== "too_large") throw error;
    throw new Unfit(
      `its answer to GET ${path} has more than ${formatBytes(maxBytes)}, which no Ollama sends`,
    );
  }
}

function versionIn(answer: Answer, target: NodeTarget): string {
  refuseStatus(answer, target);
  return parseVersion(answer.text) ?? refuseContent(answer, "Ollama's version");
}

function listedIn(answer: Answer, target: NodeTarget, known: ListedModels | undefined): ListedModels {
  refuseStatus(answer, target);
  const { text } = answer;
  if (known?.text === text) return known;
  return { text, models: parseModels(text) ?? refuseContent(answer, "a list of models") };
}

/** Ollama before 0.1.33 has no `/api/ps`. */
function residentIn({ status, text }: Answer): ReadonlyMap<string, ResidentModel> | undefined {
  return status === 404 ? new Map() : parseResident(text);
}

function refuseStatus({ path, status, location }: Answer, { headers }: NodeTarget): void {
  if (status === 200) return;
  if (status >= 300 && status < 400) {
    const where = location === undefined ? "" : ` to ${maskUrl(location.slice(0, 200))}`;
    throw new Unfit(`it redirects GET ${path}${where}; configure the URL that it leads to`);
  }
  if (status === 401 || status === 403) throw new Unfit(keyRefused(status, headers.length > 0));
  const cure = status === 404 ? "check that an Ollama is there, and the path of its URL" : "see its log";
  throw new Unfit(`it answered GET ${path} with ${status}; ${cure}`);
}

/** Ollama itself answers 403 where it listens on loopback and is called by a name that it does not know. */
function keyRefused(status: number, hasKey: boolean): string {
  const other = status === 403 ? "; if it has none, call it by its IP address" : "";
  return hasKey
    ? `it refuses the configured key (${status}); correct its api_key${other}`
    : `it asks for a key (${status}); set its api_key${other}`;
}

function refuseContent({ path, text }: Answer, wanted: string): never {
  const error = parseError(text);
  throw new Unfit(
    error === undefined
      ? `it answered GET ${path} with something else than ${wanted}; check that an Ollama is there`
      : `it answered GET ${path} with the error ${JSON.stringify(error)}; see its log`,
  );
}

function down(reason: string): NodeDown {
  return { health: "down", reason, cause: "unfit" };
}
