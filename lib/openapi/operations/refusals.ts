import { type ErrorCode, STATUS } from "../../errors.ts";
import type { Operation } from "./operation.ts";

/** Of a failure that nobody understood. */
const INTERNAL = 500;

type Status = Exclude<(typeof STATUS)[ErrorCode], typeof STATUS.client_closed> | typeof INTERNAL;

/** Those with which an operation may refuse. */
export function refusedStatuses({ access = "key", refusals = [] }: Operation): number[] {
  const codes: readonly ErrorCode[] = access === "public"
    ? ["forbidden", "head_too_large", ...refusals]
    : ["unauthorized", "forbidden", "head_too_large", ...refusals];
  return [...new Set([...codes.map((code) => STATUS[code]), INTERNAL])].toSorted();
}

function codesOf(status: number): string {
  const codes = Object.entries(STATUS).filter(([, other]) => other === status).map(([code]) => code);
  return codes.length > 0 ? ` Codes: ${codes.join(", ")}.` : "";
}

/** What a status means to whoever gets it. The client's leaving is told to nobody. */
const MEANINGS: Readonly<Record<Status, string>> = {
  400: "The request is wrong, or too long; the message names the field.",
  401: "An API key is wanted, or another one.",
  403: "That is not allowed, or not to pages of that origin.",
  404: "There is no such thing; the message names what is near.",
  405: "The path knows other methods.",
  408: "The rest of the body did not come.",
  409: "Something else stands against it.",
  413: "The body is too large.",
  415: "The body is of another kind, or compressed.",
  422: "The model cannot be used.",
  429: "Too many requests wait; ask again later.",
  431: "The address and the headers are too long, or too many.",
  500: "Something went wrong inside; the log has more under the request's id.",
  501: "That cannot be done here.",
  502: "The upstream failed, or is out of reach.",
  503: "There is no capacity now, or a model loads; ask again later.",
  504: "It took too long.",
  507: "No placement has enough memory.",
};

/** What each status of an error means, and the codes that such errors may have. */
export const ERROR_MEANINGS: ReadonlyMap<number, string> = new Map(
  Object.entries(MEANINGS).map(([status, meaning]) => [Number(status), meaning + codesOf(Number(status))]),
);
