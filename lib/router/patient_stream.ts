import type { Clock } from "../clock.ts";
import type { ClientDialect } from "../dialects/client_dialect.ts";
import { GatewayError } from "../errors.ts";
import type { HeaderList } from "../http/headers.ts";
import { joinBytes } from "../join_bytes.ts";
import { SlicedWait } from "../sliced_wait.ts";
import { formatDuration } from "../units.ts";
import type { Answer, AnswerReport } from "./answer.ts";
import type { AnswerEvents } from "./answer_stream.ts";

/** A wait that nobody notices needs no word: notes begin after so long, ms. */
const FIRST_NOTE_MS = 500;
/** Notes come at least so often, ms: people read them. */
const NOTE_EVERY_MS = 5_000;

const LINE_FEED = new Uint8Array([10]);

/** How a streamed request waits for its answer. */
export interface Patience {
  /** Of the request, for events of our own. */
  readonly requestId: string;
  /** The model's name, for events of our own. */
  readonly model: string;
  /** How the client is spoken to. */
  readonly dialect: ClientDialect;
  /** Measures the wait. */
  readonly clock: Clock;
  /** How often a waiting stream sends a comment line, ms; the first one comes after as long. */
  readonly commentEveryMs: number;
  /** Whether it tells in its reasoning field what it waits for, soon and at least every 5 s. */
  readonly hasNotes: boolean;
  /** What it waits for now: `"tiny:latest" to load, 43 %`. Must not throw. */
  readonly describeWait: () => string;
  /** Is aborted when the client leaves during the wait; the work must end by it. */
  readonly abandon: AbortController;
}

/** An answer that had to begin before it was known who gives it. */
export interface EarlyAnswer {
  /** What a stream begins with, whatever comes. */
  readonly status: 200;
  /** Our own. */
  readonly headers: HeaderList;
  /** Comments, then the events of the answer, or its refusal as an event. */
  readonly body: AnswerEvents;
  /** Why it waits; what is known later is told by a comment before the first event. */
  readonly report: Pick<AnswerReport, "because">;
}

/**
 * The answer to a request for a stream, if it comes soon: its status is its own then. Otherwise one that begins at once,
 * so that no proxy gives the request up while it waits.
 *
 * @param work Nobody else may use it; what it gives after the client has left is cancelled.
 * @throws Whatever `work` rejects with before an answer has begun.
 */
export async function waitOrAnswer(work: Promise<Answer>, patience: Patience): Promise<Answer | EarlyAnswer> {
  const { hasNotes, commentEveryMs, describeWait, dialect } = patience;
  const startedMs = patience.clock.monotonic();
  const wait = new SlicedWait(work, patience.clock);
  if (await wait.isOverWithin(hasNotes ? Math.min(FIRST_NOTE_MS, commentEveryMs) : commentEveryMs)) {
    return await work;
  }
  return {
    status: 200,
    headers: [["content-type", dialect.streamType], ["x-accel-buffering", "no"]], // or nginx holds comments back
    body: new PatientStream({ work, wait, startedMs }, patience),
    report: { because: `Waits for ${describeWait()}` },
  };
}

/** An answer that is on its way. */
interface Waiting {
  readonly work: Promise<Answer>;
  readonly wait: SlicedWait;
  readonly startedMs: number;
}

/** Says again and again what it waits for, then gives the events of the answer untouched. */
class PatientStream implements AnswerEvents {
  readonly #sliceMs: number;
  readonly #createdMs: number;
  #hasSpoken = false;
  #events: AnswerEvents | undefined;
  #isOver = false;

  constructor(private readonly waiting: Waiting, private readonly patience: Patience) {
    const { clock, commentEveryMs, hasNotes } = patience;
    this.#createdMs = clock.now();
    this.#sliceMs = hasNotes ? Math.min(NOTE_EVERY_MS, commentEveryMs) : commentEveryMs;
  }

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#events) return await this.#events.read();
    if (this.#isOver) return null;
    const isFirst = !this.#hasSpoken;
    this.#hasSpoken = true; // the first word goes out with the head
    const isHere = !isFirst && await this.waiting.wait.isOverWithin(this.#sliceMs);
    return isHere ? await this.#begin() : this.#word(isFirst);
  }

  cancel(): void {
    if (this.#events) return this.#events.cancel();
    if (this.#isOver) return;
    this.#isOver = true;
    this.patience.abandon.abort(new GatewayError("client_closed", "The client left before an answer began"));
    void this.waiting.work.then(({ body }) => body instanceof Uint8Array || body.cancel(), () => {});
  }

  #word(isFirst: boolean): Uint8Array<ArrayBuffer> {
    const { clock, dialect, requestId, model, hasNotes: isNote, describeWait } = this.patience;
    const waitedMs = clock.monotonic() - this.waiting.startedMs;
    const what = `${describeWait()} (${formatDuration(waitedMs)} so far)`;
    const text = isNote ? `Waiting for ${what}…` : `waiting for ${what}`;
    return dialect.waitingWord({ text, requestId, model, atMs: this.#createdMs, isFirst, isNote });
  }

  async #begin(): Promise<Uint8Array<ArrayBuffer> | null> {
    const answer = await this.#outcome();
    if (this.#isOver) return null; // the client left meanwhile, and the answer is cancelled
    const { status, body, report } = answer;
    if (!(body instanceof Uint8Array)) {
      this.#events = body;
      const comment = this.#routeComment(report);
      return comment.byteLength > 0 ? comment : await body.read();
    }
    this.#isOver = true;
    if (status < 400 && this.patience.dialect.streamType === "application/x-ndjson") {
      return joinBytes([body, LINE_FEED]); // Ollama answers whoever only loads a model whole, which is a line, too
    }
    return joinBytes([this.#routeComment(report), this.#refusal(status, body, report)]);
  }

  async #outcome(): Promise<Answer> {
    try {
      return await this.waiting.work;
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
  }

  /** A status comes too late for a stream that has begun: what it stood for becomes an event. */
  #refusal(status: number, body: Uint8Array, { upstream }: AnswerReport): Uint8Array<ArrayBuffer> {
    const { dialect, requestId } = this.patience;
    if (status >= 400) return dialect.refusalEvent({ status, body }, requestId);
    const what = "without a stream, though one was asked for";
    const error = new GatewayError("upstream_failed", `${upstream} answered ${status} ${what}; ask again`);
    return dialect.errorEvent(error, requestId);
  }

  /** What the head of the answer would have said. */
  #routeComment({ upstream, attemptCount, queueMs, loadMs }: AnswerReport): Uint8Array<ArrayBuffer> {
    return this.patience.dialect.comment([
      `x-sollol-upstream: ${upstream}`,
      `x-sollol-attempts: ${attemptCount}`,
      `x-sollol-queue-ms: ${Math.round(queueMs)}`,
      `x-sollol-load-ms: ${Math.round(loadMs)}`,
    ].join("; "));
  }
}
