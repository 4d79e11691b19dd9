import { GatewayError } from "../errors.ts";
import type { HttpClient, HttpResponse } from "../http/client.ts";
import { jsonIn } from "../json_text.ts";
import { MIB } from "../units.ts";
import { isStream } from "./answer.ts";
import { type AnswerEvents, AnswerStream, brokeOff } from "./answer_stream.ts";
import type { Failure } from "./failure.ts";
import { postTo, type Route } from "./route.ts";

/** Answers that prepare a continuation are short; the longest is a prompt as the template made it, bytes. */
const MAX_ANSWER_BYTES = 64 * MIB;

/** A coordinator that takes a broken answer over: it serves the same model. Disposal gives its slot back. */
export interface Successor extends Disposable {
  /** Aborts when its process is gone. */
  readonly dead: AbortSignal;
  /** Asks it for a JSON value. @throws {GatewayError} If it refuses, or cannot be asked. */
  ask(target: string, body: Uint8Array<ArrayBuffer>): Promise<unknown>;
  /** Asks it for a stream; resolves when the first event is there. @throws {GatewayError} As `ask` does. */
  open(target: string, body: Uint8Array<ArrayBuffer>): Promise<AnswerEvents>;
}

/** What a {@linkcode Successor} is asked with. */
export interface SuccessorParts {
  /** Aborts when the process behind the route is gone. */
  readonly dead: AbortSignal;
  /** Asks. */
  readonly http: HttpClient;
  /** For a connection to it, ms. */
  readonly connectTimeoutMs: number;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
  /** Says what went wrong. */
  readonly explain: (thrown: unknown) => Promise<Failure>;
}

/** The coordinator of a route as a successor; the route is disposed with it. */
export function successorAt(route: Route, parts: SuccessorParts): Successor {
  return {
    dead: parts.dead,
    ask: (target, body) =>
      explained(parts, async () => {
        const response = await send(route, parts, target, body, false);
        const text = await response.body.text(MAX_ANSWER_BYTES);
        if (response.status !== 200) throw refused(route, target, response.status);
        return jsonIn(text);
      }),
    open: (target, body) =>
      explained(parts, async () => {
        const response = await send(route, parts, target, body, true);
        if (!isStream(response)) {
          response.body.cancel();
          throw refused(route, target, response.status);
        }
        const explain = async (thrown: unknown) => brokeOff((await parts.explain(thrown)).error);
        return await AnswerStream.open({ body: response.body, explain, onEnd: () => {} });
      }),
    [Symbol.dispose]: () => route[Symbol.dispose](),
  };
}

function send(
  route: Route,
  { http, connectTimeoutMs, signal }: SuccessorParts,
  target: string,
  body: Uint8Array<ArrayBuffer>,
  fresh: boolean,
): Promise<HttpResponse> {
  return http.send(route.address, {
    ...postTo(route, target, body),
    signal,
    connectTimeoutMs,
    fresh,
  });
}

async function explained<T>({ explain }: SuccessorParts, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    throw (await explain(thrown)).error;
  }
}

function refused({ upstream }: Route, target: string, status: number): GatewayError {
  return new GatewayError("upstream_failed", `${upstream} answered ${target} with ${status}`);
}
