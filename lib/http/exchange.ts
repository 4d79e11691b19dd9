import { formatDuration } from "../units.ts";
import { ExchangeBody, type HttpBody } from "./body.ts";
import { createBodyDecoder } from "./body_decoder.ts";
import type { Connection } from "./connection.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";
import type { HttpError, HttpErrorFacts, HttpErrorKind, HttpPhase } from "./error.ts";
import { httpError, toHttpError } from "./failure.ts";
import { readFinalHead } from "./final_head.ts";
import { planBody } from "./framing.ts";
import type { HeaderList } from "./headers.ts";
import type { HttpLimits } from "./limits.ts";
import { packRequest, type StreamedBody } from "./request_head.ts";
import type { Rostered } from "./roster.ts";
import { writeStreamed } from "./streamed_body.ts";

/** An answer, as soon as its head is there. */
export interface HttpResponse {
  /** 200 to 599. */
  status: number;
  /** May be empty. */
  reason: string;
  /** In their order, names lower-case, nothing removed. */
  headers: HeaderList;
  /** Must be read to its end or cancelled. */
  body: HttpBody;
}

/** What an exchange needs to know beside its connection. */
export interface ExchangeOptions {
  /** Of the request: the answer's framing depends on it. */
  method: string;
  /** Closes the connection when it aborts. */
  signal: AbortSignal | undefined;
  /** From now to the head of the answer. */
  headTimeoutMs: number | undefined;
  /** What is refused as too large. */
  limits: HttpLimits;
  /** Where `headTimeoutMs` is kept. */
  deadlines: Deadlines;
  /** The exchange is over, well or not. The connection may be idle for so long and be used again; at 0, close it. */
  onEnd: (exchange: Exchange, reusableMs: number) => void;
}

/**
 * One request and its answer on a connection that it owns meanwhile. It knows how far it came, turns every way of
 * failing into one error, and lets go of signal and deadline when it ends.
 */
export class Exchange implements Rostered {
  /** Of its client. */
  rosterIndex: number = -1;
  /** Owned until the exchange ends. */
  readonly connection: Connection;
  readonly #options: ExchangeOptions;
  #phase: HttpPhase = "send";
  #sent = false;
  #isWritten = false;
  #reusableMs = 0;
  #headDeadline: Deadline | undefined;

  /** Takes the connection over; its time runs from here. */
  constructor(connection: Connection, options: ExchangeOptions) {
    this.connection = connection;
    this.#options = options;
    connection.onClose = () => this.#end(0);
    options.signal?.addEventListener("abort", this.#onAbort);
    if (options.signal?.aborted) this.#onAbort(); // its event is over
    const { headTimeoutMs, deadlines } = options;
    if (headTimeoutMs === undefined || connection.isClosed) return;
    this.#headDeadline = deadlines.add(headTimeoutMs, () => {
      const what = this.#failedPhase() === "send" ? "it was not taken" : "no head came";
      this.abandon("timeout", `${what} within ${formatDuration(headTimeoutMs)}`);
    });
  }

  /**
   * Starts to write the request. What does not fit the socket's buffer at once is written while the answer is
   * awaited: an upstream may refuse a large body before it has read it.
   *
   * @returns Whether the connection took a byte. False only for a reused one that the peer had closed: nothing was
   * sent, another connection may be tried.
   */
  async send(head: string, body: Uint8Array | StreamedBody | undefined): Promise<boolean> {
    const isStreamed = body !== undefined && !(body instanceof Uint8Array);
    const packed = packRequest(head, isStreamed ? undefined : body, this.connection.outbox);
    const { first } = packed;
    const rest = isStreamed ? body : packed.rest;
    let count: number;
    try {
      count = await this.connection.write(first);
    } catch (error) {
      const { isReused, isEncrypted, isClosed } = this.connection;
      this.#sent = isEncrypted || isClosed;
      const failure = this.fail(error);
      if (isReused && !this.#sent) return false;
      throw failure;
    }
    this.#sent = true;
    if (count === first.byteLength && !rest) this.#isWritten = true;
    else void this.#writeRest(first.subarray(count), rest);
    return true;
  }

  /** Waits for the head of the final answer. */
  async receive(): Promise<HttpResponse> {
    const { method, limits, deadlines } = this.#options;
    this.#phase = "head";
    try {
      const head = await readFinalHead(this.connection, limits);
      if (!head) throw this.closedEarly();
      const plan = planBody(method, head);
      deadlines.remove(this.#headDeadline);
      this.#phase = "body";
      this.#reusableMs = plan.reusableMs;
      const body = new ExchangeBody(this, plan.framing, createBodyDecoder(plan, limits));
      return { status: head.status, reason: head.reason, headers: head.headers, body };
    } catch (error) {
      throw this.fail(error);
    }
  }

  /** The body's end was read: gives the connection back if nothing speaks against using it again. */
  complete(): void {
    const { connection } = this;
    // Bytes behind the answer belong to no request of ours, and half a request must not be continued by the next.
    const isClean = this.#isWritten && connection.start === connection.end && !connection.isClosed;
    connection.onClose = undefined;
    this.#end(isClean ? this.#reusableMs : 0);
  }

  /** Gives up, for a reason that lies on our side; whatever is pending rejects with it. */
  abandon(kind: HttpErrorKind, detail: string): void {
    this.connection.close(this.#error(kind, detail));
  }

  /** What to throw when the peer closed before the answer was whole. */
  closedEarly(): HttpError {
    const where = this.#phase === "body"
      ? " before its end"
      : this.connection.hasReceived
      ? " within its head"
      : "";
    return this.#error("closed", `the peer closed the connection${where}`);
  }

  /** Closes the connection, if that was not the cause, and returns what to throw: the first cause of death. */
  fail(thrown: unknown): unknown {
    this.connection.close(toHttpError(this.connection.address, thrown, this.#progress()));
    return this.connection.closedBecause;
  }

  readonly #onAbort = (): void => this.connection.close(this.#options.signal?.reason);

  #end(reusableMs: number): void {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#options.deadlines.remove(this.#headDeadline);
    this.#options.onEnd(this, reusableMs);
  }

  /** Cannot reject. A failure shows on the reading side: as an early answer, or as the connection's end. */
  async #writeRest(head: Uint8Array, body: Uint8Array | StreamedBody | undefined): Promise<void> {
    try {
      await this.connection.writeAll(head);
      if (body instanceof Uint8Array) await this.connection.writeAll(body);
      else if (body) await writeStreamed(this.connection, body);
      this.#isWritten = true;
    } catch { /* `#isWritten` stays false: the error's phase is `send` */ }
  }

  #error(kind: HttpErrorKind, detail: string): HttpError {
    return httpError(this.connection.address, detail, { ...this.#progress(), kind });
  }

  #progress(): Omit<HttpErrorFacts, "kind"> {
    return { phase: this.#failedPhase(), sent: this.#sent, answered: this.connection.hasReceived };
  }

  #failedPhase(): HttpPhase {
    return this.#phase === "head" && !this.#isWritten && !this.connection.hasReceived ? "send" : this.#phase;
  }
}
