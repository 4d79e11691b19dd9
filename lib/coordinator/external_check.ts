import * as z from "zod";
import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import type { UpstreamAddress } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import { HttpError } from "../http/error.ts";
import type { HeaderList } from "../http/headers.ts";
import { causeOf, type UnreachedCause } from "../http/unreached.ts";
import { jsonIn } from "../json_text.ts";
import { formatDuration } from "../units.ts";

/** Where a coordinator of others is asked, and with what. */
export interface ExternalTarget {
  /** As it was configured, for people. */
  readonly url: string;
  /** Where it listens. */
  readonly address: UpstreamAddress;
  /** Path that stands before every target; often empty. */
  readonly basePath: string;
  /** Headers that every request carries: its API key, which is shown nowhere. */
  readonly headers: HeaderList;
}

/** What a check found. */
export type ExternalFinding =
  | {
    readonly health: "up";
    /** Names of its models, its aliases among them. */
    readonly listed: readonly string[];
    /** Requests that it computes at once, if it told. */
    readonly slotCount: number | undefined;
  }
  | { readonly health: "loading"; readonly reason: string }
  | {
    readonly health: "down";
    /** What is wrong and what to do, in a sentence. */
    readonly reason: string;
    /** What that says of it. */
    readonly cause: UnreachedCause;
  };

/** What {@linkcode checkExternal} works with. */
export interface ExternalCheckOptions {
  /** Stays the caller's to dispose. */
  readonly http: Pick<HttpClient, "send">;
  /** Time. */
  readonly clock: Clock;
  /** Ends the check. */
  readonly signal: AbortSignal;
}

/** For a whole check, ms. */
const CHECK_MS = 2_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** Names, each at most so long: more would cost every request that reads them. */
const MAX_NAMES = 1_000;
const MAX_NAME_LENGTH = 1_000;

const modelCard = z.looseObject({ id: z.string(), aliases: z.array(z.string()).optional() });
const props = z.looseObject({ total_slots: z.int().min(1).max(65_536) });

/**
 * Asks a llama-server which models it serves, and how many slots it has. `/slots` would tell more, but keep a server
 * awake that is to sleep when idle.
 *
 * @throws The signal's reason.
 * @see tools/server/README.md of llama.cpp, b11669
 */
export async function checkExternal(
  target: ExternalTarget,
  { http, clock, signal }: ExternalCheckOptions,
): Promise<ExternalFinding> {
  using deadline = new Deadline(clock, CHECK_MS, { signal });
  const get = (path: string) => ask(target, path, http, deadline.signal);
  try {
    const answer = await get("/v1/models");
    const listed = answer.status === 200 ? namesIn(answer.text) : undefined;
    if (!listed) return refusalOf(answer, target);
    const detail = await get("/props").catch(() => undefined); // what is no llama-server has none
    signal.throwIfAborted();
    if (detail && isKeyRefusal(detail)) return down(keyRefused(target));
    return { health: "up", listed, slotCount: detail && slotCountIn(detail.text) };
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.hasPassed) return { health: "down", reason: SILENT, cause: "silent" };
    if (!(error instanceof HttpError)) throw error;
    return notReached(error);
  }
}

/** What it says of a coordinator that a request to it failed. */
export function notReached(error: HttpError): ExternalFinding {
  return { health: "down", reason: error.message, cause: causeOf(error) };
}

/** What to say of a coordinator that does not take the key, or the lack of one. */
export function keyRefused({ headers }: Pick<ExternalTarget, "headers">): string {
  return headers.length > 0
    ? "it refuses the configured key; correct its api_key under coordinators"
    : "it asks for a key; list it under coordinators with its api_key";
}

const SILENT =
  `it did not answer GET /v1/models within ${formatDuration(CHECK_MS)}; check whether it hangs, ` +
  "and the network";

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(
  { address, basePath, headers }: ExternalTarget,
  path: string,
  http: Pick<HttpClient, "send">,
  signal: AbortSignal,
): Promise<Answer> {
  const response = await http.send(address, {
    method: "GET",
    target: basePath + path,
    headers: [["accept-encoding", "identity"], ...headers],
    signal,
    fresh: true, // it is to show that a request would be taken
  });
  return { status: response.status, text: await response.body.text(MAX_ANSWER_BYTES) };
}

/** @returns `undefined` if it is no list of models. */
function namesIn(text: string): string[] | undefined {
  const data = (jsonIn(text) as { readonly data?: unknown } | null | undefined)?.data;
  if (!Array.isArray(data)) return undefined;
  // Cut first: to find a million entries wrong would take seconds.
  const cards = z.array(modelCard).safeParse(data.slice(0, MAX_NAMES));
  if (!cards.success) return undefined;
  const names = cards.data.flatMap(({ id, aliases = [] }) => [id, ...aliases.slice(0, MAX_NAMES)])
    .filter((name) => name.trim() !== "" && name.length <= MAX_NAME_LENGTH);
  return [...new Set(names)].slice(0, MAX_NAMES);
}

function slotCountIn(text: string): number | undefined {
  return props.safeParse(jsonIn(text)).data?.total_slots;
}

function refusalOf({ status, text }: Answer, target: ExternalTarget): ExternalFinding {
  if (status === 200) {
    return down(
      "GET /v1/models answered something else than a list of models; check that a llama-server is there",
    );
  }
  if (status === 503 && /loading model/i.test(text)) {
    return { health: "loading", reason: "it is loading its model; ask again in a moment" };
  }
  if (status === 401) return down(keyRefused(target));
  const cure = CURES[status] ??
    (status >= 300 && status < 400 ? "configure the URL that it leads to" : "see its log");
  return down(`GET /v1/models answered ${status}; ${cure}`);
}

const CURES: Record<number, string> = {
  403: "check its api_key under coordinators, and what stands before it",
  404: "check the path of its URL",
};

/** Some builds of llama-server list their models to everybody, and ask for their key only then. */
function isKeyRefusal({ status, text }: Answer): boolean {
  return status === 401 && text.includes("authentication_error");
}

function down(reason: string): ExternalFinding {
  return { health: "down", reason, cause: "unfit" };
}
