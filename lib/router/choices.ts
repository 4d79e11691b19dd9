import { mapConcurrently } from "../concurrent.ts";
import type { ExchangeFor } from "../dialects/exchange.ts";
import { joinChoices } from "../dialects/joined_choices.ts";
import { GatewayError } from "../errors.ts";
import type { Answer } from "./answer.ts";
import { ChoiceStream, type ChoiceStreamOptions, RefusedChoice } from "./choice_stream.ts";
import { joinReports } from "./joined_report.ts";
import { notUnderstood } from "./translated_stream.ts";

/** Choices that are asked for at a time: the rest of the shelf has other work, too. */
const MAX_CHOICES_AT_ONCE = 16;

/** What of a request is another for each choice. */
export interface ChoiceRequest {
  /** How it is put to an upstream. */
  readonly exchange: ExchangeFor;
  /** Whether the client wants events as they come. */
  readonly stream: boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** How the choices of a request are asked for. */
export interface Choices<R extends ChoiceRequest> {
  /** The whole request. */
  readonly request: R;
  /** How each choice is put to an upstream, in their order; at least one. */
  readonly exchanges: readonly ExchangeFor[];
  /** Asks for one of them. */
  readonly ask: (request: R) => Promise<Answer>;
  /** Told once when a stream is over. Not called for whole answers. */
  readonly onEnd: ChoiceStreamOptions["onEnd"];
}

/**
 * Answers a request for several choices by one request for each, and puts the answers together: whole ones into one list,
 * streams into one, in which the events of all choices come as they come. If one is refused or fails, so is the whole, and
 * the others are given up: by its own answer as long as the client has got nothing, inside the stream after that.
 *
 * @throws {GatewayError} As each choice may; `upstream_failed` if an upstream answers with something else.
 */
export async function answerInChoices<R extends ChoiceRequest>(choices: Choices<R>): Promise<Answer> {
  const giveUp = new AbortController();
  const signal = AbortSignal.any([choices.request.signal, giveUp.signal]);
  try {
    return await (choices.request.stream ? streamed(choices, giveUp, signal) : whole(choices, signal));
  } catch (thrown) {
    giveUp.abort(new GatewayError("client_closed", "Another choice of the request failed"));
    if (thrown instanceof RefusedChoice) return thrown.answer;
    throw thrown;
  }
}

async function whole<R extends ChoiceRequest>(
  { request, exchanges, ask }: Choices<R>,
  signal: AbortSignal,
): Promise<Answer> {
  const answers = await mapConcurrently(exchanges, MAX_CHOICES_AT_ONCE, async (exchange) => {
    const answer = await ask({ ...request, exchange, signal });
    if (answer.body instanceof Uint8Array && answer.status < 300) return { ...answer, body: answer.body };
    throw new RefusedChoice(answer);
  });
  const [first] = answers;
  return {
    status: 200,
    headers: first!.headers.filter(([name]) => name !== "content-length"),
    body: joined(answers.map(({ body }) => body)),
    report: joinReports(answers.map(({ report }) => report), `${exchanges.length} choices`),
  };
}

function joined(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  try {
    return joinChoices(bodies);
  } catch (error) {
    throw notUnderstood(error);
  }
}

/** Only the first one is waited for: a coordinator with one slot begins the next when the client has read this one. */
async function streamed<R extends ChoiceRequest>(
  { request, exchanges, ask, onEnd }: Choices<R>,
  giveUp: AbortController,
  signal: AbortSignal,
): Promise<Answer> {
  const stream = new ChoiceStream({
    asks: exchanges.map((exchange) => () => ask({ ...request, exchange, signal })),
    maxAtOnce: MAX_CHOICES_AT_ONCE,
    giveUp,
    onEnd,
  });
  const { headers, report } = await stream.begun;
  return { status: 200, headers, body: stream, report: joinReports([report], `${exchanges.length} choices`) };
}
