import { messageOf } from "../errors.ts";
import {
  HttpError,
  type HttpErrorFacts,
  type HttpErrorKind,
  HttpLimitError,
  type HttpPhase,
  HttpSyntaxError,
} from "./error.ts";

const ATTEMPT: Record<HttpPhase, string> = {
  resolve: "Cannot resolve the host of",
  connect: "Cannot connect to",
  send: "Cannot send the request to",
  head: "Got no answer from",
  body: "Cannot read the rest of the answer of",
};

const KIND_OF_CODE: Record<string, HttpErrorKind> = {
  ECONNREFUSED: "refused",
  ENOENT: "refused",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "closed",
  ETIMEDOUT: "timeout",
  EAGAIN: "busy",
  EADDRNOTAVAIL: "busy",
  EMFILE: "busy",
  ENFILE: "busy",
  ENOBUFS: "busy",
};

const ADVICE: Partial<Record<HttpErrorKind, string>> = {
  refused: "; check that it runs and listens there",
  unreachable: "; check the host's name, the network and the firewall",
  tls: "; check the certificate, or write http:// if it does not speak TLS",
  busy: "; raise LimitNOFILE or lower the load",
};

/** The one form of an `HttpError`'s sentence: what was tried, with which upstream, what was wrong. */
export function httpError(
  address: string,
  detail: string,
  facts: HttpErrorFacts,
  options?: ErrorOptions,
): HttpError {
  return new HttpError(`${ATTEMPT[facts.phase]} ${address}: ${detail}`, facts, options);
}

/** Turns whatever a socket or a parser threw into an `HttpError`, which keeps it as its cause. */
export function toHttpError(
  address: string,
  thrown: unknown,
  progress: Omit<HttpErrorFacts, "kind">,
): HttpError {
  if (thrown instanceof HttpError) return thrown;
  const kind = kindOf(thrown, progress.phase);
  const detail = `${messageOf(thrown)}${ADVICE[kind] ?? ""}`;
  return httpError(address, detail, { ...progress, phase: phaseOf(thrown, progress.phase), kind }, {
    cause: thrown,
  });
}

function kindOf(thrown: unknown, phase: HttpPhase): HttpErrorKind {
  if (thrown instanceof HttpSyntaxError) return "malformed";
  if (thrown instanceof HttpLimitError) return "too_large";
  if (thrown instanceof Deno.errors.InvalidData) return "tls"; // what Deno throws for every fault that rustls finds
  if (thrown instanceof Deno.errors.UnexpectedEof) return "closed";
  const code = (thrown as { code?: unknown } | null)?.code;
  const known = typeof code === "string" ? KIND_OF_CODE[code] : undefined;
  return known ?? (phase === "connect" ? "unreachable" : "reset");
}

/** Names are resolved while connecting: by us, or by `Deno.connect()`, whose two errors have no code of their own. */
function phaseOf(thrown: unknown, phase: HttpPhase): HttpPhase {
  const resolving = phase === "connect" &&
    /^(?:getaddrinfo |failed to lookup address|invalid host)/.test(messageOf(thrown));
  return resolving ? "resolve" : phase;
}
