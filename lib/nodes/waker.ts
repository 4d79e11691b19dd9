import { Deadline } from "../deadline.ts";
import { GatewayError } from "../errors.ts";
import { shuttingDown } from "../queue/refusals.ts";
import type { KnownNode } from "./node.ts";
import { WakeCall, type WakeCallOptions } from "./wake_call.ts";

/** How one request waits for a node to wake up. */
export interface WakeWait {
  /** Whether the node is up; costs nothing. */
  readonly isUp: () => boolean;
  /** Calls back whenever that may have changed, until disposal. */
  readonly onChange: (listener: () => void) => Disposable;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
  /** For how long it waits, ms. */
  readonly timeoutMs: number;
}

/** Wakes nodes that sleep by magic packets, as long as somebody waits for them. */
export class Waker implements Disposable {
  /** By the node's name. */
  readonly #calls = new Map<string, WakeCall>();
  readonly #closing = new AbortController();

  /** Sends nothing yet. */
  constructor(private readonly options: WakeCallOptions) {}

  /** For how long this node is being woken already, ms; `undefined` if nobody waits for it. */
  wakingMs(name: string): number | undefined {
    return this.#calls.get(name)?.elapsedMs;
  }

  /**
   * Waits until a node is up. Packets are sent to it at once and every 3 s, however many wait for it, and none any more as
   * soon as nobody does.
   *
   * @throws {GatewayError} `upstream_timeout` if it did not wake up in time; `backend_unreachable` if not one packet could
   *   be sent, or nobody has said how it is woken; `shutting_down`.
   * @throws The signal's reason as soon as it aborts; others wait on.
   */
  async wake(node: Pick<KnownNode, "name" | "wake">, wait: WakeWait): Promise<void> {
    wait.signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    if (wait.isUp()) return;
    const { name } = node; // a live node may be called otherwise, or gone, when the waiting ends
    const call = this.#join(node);
    try {
      await this.#untilUp(call, wait);
    } finally {
      if (call.leave() && this.#calls.get(name) === call) this.#calls.delete(name);
    }
  }

  /** Refuses all who wait and all who come. */
  close(): void {
    this.#closing.abort(shuttingDown());
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What an operator has corrected counts at once; who waits already goes on as before. */
  #join({ name, wake }: Pick<KnownNode, "name" | "wake">): WakeCall {
    if (!wake) throw cannotBeWoken(name);
    const known = this.#calls.get(name);
    const call = known?.isTo(wake) ? known : new WakeCall(name, wake, this.options);
    this.#calls.set(name, call);
    call.join();
    return call;
  }

  async #untilUp(call: WakeCall, { isUp, onChange, signal, timeoutMs }: WakeWait): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    using _changes = onChange(() => {
      if (!isUp()) return;
      call.reportUp();
      resolve();
    });
    using deadline = new Deadline(this.options.clock, timeoutMs, {
      signal: AbortSignal.any([signal, this.#closing.signal]),
      reason: () => call.failure(),
    });
    deadline.signal.addEventListener("abort", () => reject(deadline.signal.reason), { once: true });
    await promise;
  }
}

function cannotBeWoken(name: string): GatewayError {
  const message = `Cannot wake ${name}: nobody has said how; add wake: {mac: …} to its entry in ollama_nodes`;
  return new GatewayError("backend_unreachable", message);
}
