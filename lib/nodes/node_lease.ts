import type { Clock } from "../clock.ts";
import { GatewayError, messageOf } from "../errors.ts";
import { HttpError } from "../http/error.ts";
import type { BreakerPass } from "./breaker.ts";
import { nameOfKey } from "./name_of_key.ts";
import type { NodeLease } from "./node.ts";
import type { NodeRecord } from "./node_record.ts";

/** Whoever keeps the records, and sees to what follows from a report. */
export interface LeaseOwner {
  /** Time. */
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Makes a change, and tells whoever wants to know. */
  tell(record: NodeRecord, change: () => void): void;
  /** A request found that there is no connection to it, which is newer than what a check that runs will find. */
  notReached(record: NodeRecord, error: HttpError): void;
  /** Something may be wrong with it: it is asked soon. */
  doubt(record: NodeRecord): void;
  /** It holds something else than is known: it is asked anew, whatever a check that runs will find. */
  askAnew(record: NodeRecord): void;
  /** A lease of it has been given back. */
  released(record: NodeRecord): void;
}

/** A slot of a node, and what its holder tells of the node. Only the first verdict counts, and none after disposal. */
export class OpenNodeLease implements NodeLease {
  /** Whose slot it is. */
  readonly node: NodeRecord;
  /** The model's name as the node spells it. */
  readonly modelName: string;
  readonly #key: string;
  readonly #pass: BreakerPass;
  readonly #owner: LeaseOwner;
  readonly #request = new AbortController();
  #isJudged = false;
  #isOver = false;

  /** Takes the slot. */
  constructor(node: NodeRecord, key: string, pass: BreakerPass, owner: LeaseOwner) {
    this.node = node;
    this.modelName = node.models.get(key)?.name ?? nameOfKey(key);
    this.#key = key;
    this.#pass = pass;
    this.#owner = owner;
    node.requests.set(this.#request, key);
  }

  /** Aborts when the request is not to be waited for any longer, since the node is silent; the reason, a `GatewayError`, says so. */
  get lost(): AbortSignal {
    return this.#request.signal;
  }

  /** The first token of an answer has come, so long after the request was sent. */
  reportFirstToken(ms: number): void {
    if (this.#isOver) return;
    this.#tell(() => {
      this.node.speed.takeFirstToken(ms);
      this.node.traffic.answered(this.#pass);
      this.#heard();
    });
  }

  /** Bytes of an answer have come: it is at work. */
  reportBytes(): void {
    if (!this.#isOver) this.#heard();
  }

  /** The answer was whole. */
  reportServed(tokens?: { readonly count: number; readonly ms: number }): void {
    if (!this.#judge()) return;
    this.#tell(() => {
      this.node.servedCount++;
      if (tokens && this.node.models.has(this.#key)) this.node.speed.takeTokens(this.#key, tokens);
      this.node.traffic.succeeded(this.#pass);
      this.#heard();
      // One that refuses connections may have ended after this answer: only its silence is disproved.
      if (this.node.pulse.cause === "silent") this.node.pulse.answered(this.#owner.clock.monotonic());
    });
  }

  /** The node failed this request. What was not sent shows that it is down; what is no fault of its own changes nothing. */
  reportFailure(thrown: unknown): void {
    if (!isFaultOfNode(thrown) || !this.#judge()) return;
    const { clock, random } = this.#owner;
    this.#tell(() => {
      this.node.failed(messageOf(thrown));
      this.node.traffic.failed(this.#pass, clock.monotonic(), random());
    });
    if (thrown instanceof HttpError && !thrown.sent) this.#owner.notReached(this.node, thrown);
    else this.#owner.doubt(this.node);
  }

  /** It is to be left alone for so long, ms; 5 min at most. */
  reportBusy(pauseMs: number): void {
    if (this.#judge()) this.#tell(() => this.node.pause(pauseMs));
  }

  /** It does not have the model: it is not believed for 10 s that it has, and asked anew. */
  reportMissing(): void {
    if (!this.#judge()) return;
    this.#tell(() => this.node.holdings.miss(this.#key, this.#owner.clock.monotonic()));
    this.#owner.askAnew(this.node);
  }

  /** It has too little memory for the model, which is remembered for 10 min. */
  reportTooLarge(): void {
    if (this.#judge()) this.#tell(() => this.node.holdings.refuse(this.#key, this.#owner.clock.monotonic()));
  }

  /** Gives the slot back; without a verdict the node is as trusted as before. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.giveSlotBack();
  }

  /** Gives the slot back before it is known what to say of the node: a verdict still counts until the disposal. */
  giveSlotBack(): void {
    if (!this.node.requests.delete(this.#request)) return;
    this.#tell(() => this.node.traffic.left(this.#pass));
    this.#owner.released(this.node);
  }

  #judge(): boolean {
    if (this.#isJudged || this.#isOver) return false;
    return this.#isJudged = true;
  }

  #heard(): void {
    this.node.pulse.heard(this.#owner.clock.monotonic());
  }

  #tell(change: () => void): void {
    this.#owner.tell(this.node, change);
  }
}

/** Clients that leave, requests that are wrong and this host's own want of sockets say nothing of a node. */
function isFaultOfNode(thrown: unknown): boolean {
  if (thrown instanceof HttpError) return thrown.kind !== "busy";
  if (thrown instanceof GatewayError) return thrown.status >= 500 && thrown.code !== "shutting_down";
  return !(thrown instanceof DOMException && thrown.name === "AbortError");
}
