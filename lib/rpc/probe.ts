import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { AnswerDecoder, type DeviceMemory, RpcSyntaxError } from "./answer_decoder.ts";
import type { Endpoint } from "./endpoint.ts";
import { nameForeignProtocol } from "./foreign_protocol.ts";
import type { ParkedProbes } from "./parked_probes.ts";
import { ProbeSocket } from "./probe_socket.ts";
import {
  encodeDeviceMemoryRequest,
  encodeLegacyHello,
  encodeProbe,
  type ProtocolVersion,
} from "./protocol.ts";
import { type Finding, judge, type Verdict } from "./verdict.ts";

/** What a probe found out. */
export interface ProbeResult {
  /** What was probed. */
  readonly endpoint: Endpoint;
  /** Whether it can be used, and if not, what kind of trouble it is. */
  readonly verdict: Verdict;
  /** One sentence for a person: what is wrong, and what to do. */
  readonly reason: string;
  /** The protocol that it speaks, if it said so. */
  readonly version: ProtocolVersion | undefined;
  /** Memory of its devices, in their order. Empty unless it answered in full. */
  readonly devices: readonly DeviceMemory[];
  /** How long the TCP connection took: about one round trip. */
  readonly connectMs: number | undefined;
  /** From the HELLO to the end of the answer. */
  readonly answerMs: number | undefined;
}

/** How {@linkcode probe} works. */
export interface ProbeOptions {
  /** Ends the probe; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** For the whole probe, all its connections together. Default 2000. */
  readonly timeoutMs?: number;
  /** The protocol of our own llama.cpp: any other is a `mismatch`. */
  readonly wantVersion?: ProtocolVersion;
  /**
   * Keeps the connection to a held backend, and answers for it as long as it is held. Without it each probe of
   * a held backend fills one of the two places in its queue until it is free.
   */
  readonly parked?: ParkedProbes;
  /** Time; default is the host's. */
  readonly clock?: Clock;
}

/** Asks an rpc backend whether it can be used, as {@linkcode probe} does. */
export type ProbeBackend = (endpoint: Endpoint, options: ProbeOptions) => Promise<ProbeResult>;

/**
 * Asks an rpc backend whether it can be used: its version, its devices and their memory.
 * Any trouble with the backend is a result; this rejects only when `signal` aborts.
 *
 * It never kills the backend, which is easily done. A `ggml-rpc-server` serves one client at a time; a HELLO
 * that was queued and abandoned is answered when the other client leaves, and that raises SIGPIPE. So it
 * *knocks* first: it connects, sends nothing and closes its half. A free server closes such a connection at once,
 * a held one does not, and one that finds it abandoned later has nothing to answer. Only after that the HELLO is
 * sent; should another client slip in between, that connection is dropped by RST, which is survived too.
 *
 * Do not probe a backend that an own coordinator holds: the answer is known.
 */
export async function probe(endpoint: Endpoint, options: ProbeOptions = {}): Promise<ProbeResult> {
  const { signal, timeoutMs = 2_000, wantVersion, parked, clock = systemClock } = options;
  signal?.throwIfAborted();
  const attempt = new Attempt(endpoint, clock, parked);
  const waitedMs = parked?.waitedMs(endpoint);
  const finding: Finding = waitedMs === undefined
    ? await attempt.run(timeoutMs, signal)
    : { kind: "queued", waitedMs };
  return {
    endpoint,
    ...judge(finding, endpoint, wantVersion),
    version: finding.kind === "answered" ? finding.version : undefined,
    devices: finding.kind === "answered" ? finding.devices : [],
    connectMs: attempt.connectMs,
    answerMs: attempt.answerMs,
  };
}

/** One probe under way: what it is doing, and what it has measured so far. */
class Attempt {
  connectMs: number | undefined;
  answerMs: number | undefined;
  #phase: "connect" | "knock" | "ask" = "connect";
  #decoder = new AnswerDecoder();

  constructor(
    readonly endpoint: Endpoint,
    readonly clock: Clock,
    readonly parked: ParkedProbes | undefined,
  ) {}

  async run(timeoutMs: number, signal: AbortSignal | undefined): Promise<Finding> {
    using deadline = new Deadline(this.clock, timeoutMs, { signal });
    try {
      return await this.#knock(deadline) ?? await this.#ask(encodeProbe(), deadline) ??
        await this.#ask(encodeLegacyHello(), deadline) ?? { kind: "closed", receivedBytes: 0 };
    } catch (error) {
      if (deadline.hasPassed) return this.#explainTimeout(timeoutMs);
      signal?.throwIfAborted();
      if (error instanceof RpcSyntaxError) return this.#foreign(this.#decoder.head, error.message);
      if (isSystemError(error)) return { kind: "unreachable", code: error.code };
      throw error;
    }
  }

  /** @returns Undefined if the server is free. */
  async #knock(deadline: Deadline): Promise<Finding | undefined> {
    const startMs = this.clock.monotonic();
    using owned = new DisposableStack();
    const socket = owned.use(await ProbeSocket.open(this.endpoint, deadline.signal));
    this.connectMs = this.clock.monotonic() - startMs;
    this.#phase = "knock";
    let greeting: Uint8Array | undefined;
    socket.closeWrite();
    try {
      await socket.receive((chunk) => {
        greeting = chunk;
        return true;
      }, deadline.signal);
    } catch (error) {
      if (deadline.hasPassed && this.parked) {
        owned.move();
        this.parked.park(this.endpoint, socket, startMs);
      }
      throw error;
    }
    return greeting && this.#foreign(greeting, "it speaks before it is asked");
  }

  /** @returns Undefined if the server closes without a byte: the request is not of its protocol. */
  async #ask(request: Uint8Array, deadline: Deadline): Promise<Finding | undefined> {
    const decoder = this.#decoder = new AnswerDecoder();
    const socket = await ProbeSocket.open(this.endpoint, deadline.signal);
    this.#phase = "ask";
    const startMs = this.clock.monotonic();
    try {
      socket.write(request);
      await socket.receive((chunk) => this.#take(chunk, socket), deadline.signal);
    } finally {
      if (decoder.isComplete) socket[Symbol.dispose]();
      else socket.reset();
    }
    if (!decoder.isComplete) return this.#explainClosing();
    this.answerMs = this.clock.monotonic() - startMs;
    return { kind: "answered", version: decoder.version!, devices: decoder.devices };
  }

  /** Once the number of devices is known, asks for those that the first request left out. */
  #take(chunk: Uint8Array, socket: ProbeSocket): boolean {
    const wasCounted = this.#decoder.deviceCount !== undefined;
    this.#decoder.push(chunk);
    if (!wasCounted) {
      for (let device = 1; device < (this.#decoder.deviceCount ?? 0); device++) {
        socket.write(encodeDeviceMemoryRequest(device));
      }
    }
    return this.#decoder.isComplete;
  }

  #explainTimeout(waitedMs: number): Finding {
    if (this.#phase === "connect") return { kind: "connect timeout", waitedMs };
    if (this.#phase === "knock") return { kind: "queued", waitedMs };
    const { head, receivedBytes } = this.#decoder;
    const looksLike = nameForeignProtocol(head);
    if (looksLike) return { kind: "foreign", looksLike, detail: "" };
    return { kind: "answer timeout", waitedMs, receivedBytes };
  }

  #explainClosing(): Finding | undefined {
    const { head, receivedBytes } = this.#decoder;
    if (receivedBytes === 0) return undefined;
    const looksLike = nameForeignProtocol(head);
    return looksLike ? { kind: "foreign", looksLike, detail: "" } : { kind: "closed", receivedBytes };
  }

  #foreign(head: Uint8Array, detail: string): Finding {
    return { kind: "foreign", looksLike: nameForeignProtocol(head), detail };
  }
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}
