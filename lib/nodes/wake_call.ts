import type { Clock } from "../clock.ts";
import { GatewayError, messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { formatDuration } from "../units.ts";
import { magicPacket } from "./magic_packet.ts";
import { sendDatagrams } from "./udp_broadcast.ts";
import type { WakeTarget } from "./wake_target.ts";

const SEND_EVERY_MS = 3_000;
/** Sent each time: a datagram may get lost. */
const PACKETS_AT_ONCE = 3;

/** How nodes are woken. */
export interface WakeCallOptions {
  /** Paces the packets, and measures. */
  readonly clock: Clock;
  /** Hears who is woken, who woke up, and what could not be sent. */
  readonly logger: Logger;
  /** How packets are sent. Default: {@linkcode sendDatagrams}. */
  readonly send?: typeof sendDatagrams | undefined;
}

/** Wakes one node, for all who wait for it: sends packets from the first one's coming to the last one's leaving. */
export class WakeCall {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #send: typeof sendDatagrams;
  readonly #sinceMs: number;
  readonly #over = new AbortController();
  #waiterCount = 0;
  #sentCount = 0;
  #tryCount = 0;
  /** Why the last packets could not be sent, if so. */
  #trouble: string | undefined;
  #isUpTold = false;

  /** Nobody waits yet, nothing is sent. */
  constructor(
    private readonly name: string,
    private readonly target: WakeTarget,
    { clock, logger, send = sendDatagrams }: WakeCallOptions,
  ) {
    this.#clock = clock;
    this.#logger = logger.child({ node: name, ...target });
    this.#send = send;
    this.#sinceMs = clock.monotonic();
  }

  /** For how long the node is being woken, ms. */
  get elapsedMs(): number {
    return this.#clock.monotonic() - this.#sinceMs;
  }

  /** Whether its packets go where this target is. */
  isTo({ mac, broadcast, port }: WakeTarget): boolean {
    return this.target.mac === mac && this.target.broadcast === broadcast && this.target.port === port;
  }

  /** One more waits; the first has packets sent. */
  join(): void {
    if (this.#waiterCount++ > 0) return;
    this.#logger.info("node being woken");
    void this.#sendUntilOver();
  }

  /** One fewer waits. @returns Whether it was the last: then nothing is sent any more, and nobody may join again. */
  leave(): boolean {
    const isLast = --this.#waiterCount === 0;
    if (isLast) this.#over.abort();
    return isLast;
  }

  /** The node is up. */
  reportUp(): void {
    if (this.#isUpTold) return;
    this.#isUpTold = true;
    this.#logger.info("node woke up", { wakeMs: Math.round(this.elapsedMs), sentCount: this.#sentCount });
  }

  /** What to tell one whose time is over. */
  failure(): GatewayError {
    return this.#sentCount === 0 ? this.#notSent() : this.#notUp();
  }

  #notSent(): GatewayError {
    const attempts = `${this.#tryCount} ${this.#tryCount === 1 ? "attempt" : "attempts"}`;
    const trouble = this.#trouble ?? "none has ended yet";
    const message =
      `Cannot wake ${this.name}: no magic packet could be sent ${this.#whereAndHowLong()}, at ` +
      `${attempts}: ${trouble}; check the network of this host, and wake.broadcast`;
    return new GatewayError("backend_unreachable", message);
  }

  #notUp(): GatewayError {
    const but = this.#trouble === undefined ? "" : ` (the last ones failed: ${this.#trouble})`;
    const message =
      `Cannot wake ${this.name}: ${this.#sentCount} magic packets were sent ${this.#whereAndHowLong()}${but}, and ` +
      "it is not up; check that Wake on LAN is on in its BIOS and for its network card, that it is in the same " +
      "network as this host, and that wake.broadcast is the broadcast address of that network";
    return new GatewayError("upstream_timeout", message);
  }

  #whereAndHowLong(): string {
    const { mac, broadcast, port } = this.target;
    return `for ${mac} to ${broadcast}:${port} within ${formatDuration(this.elapsedMs)}`;
  }

  async #sendUntilOver(): Promise<void> {
    const { mac, broadcast: hostname, port } = this.target;
    const packet = magicPacket(mac);
    const { signal } = this.#over;
    while (!signal.aborted) {
      this.#tryCount++;
      try {
        await this.#send(packet, { hostname, port, count: PACKETS_AT_ONCE });
        this.#sentCount += PACKETS_AT_ONCE;
        this.#trouble = undefined;
      } catch (error) {
        this.#tell(messageOf(error));
      }
      await this.#clock.sleep(SEND_EVERY_MS, { signal }).catch(() => {});
    }
  }

  /** Once, while it is the same. */
  #tell(trouble: string): void {
    if (trouble !== this.#trouble) this.#logger.warn("magic packet not sent", { trouble });
    this.#trouble = trouble;
  }
}
