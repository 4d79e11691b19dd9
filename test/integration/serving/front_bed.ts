import { systemClock } from "../../../lib/clock.ts";
import { createLogger } from "../../../lib/log.ts";
import { ConnectionGuard, type FrontConfig } from "../../../lib/serving/connection_guard.ts";
import { ConnectionMetrics } from "../../../lib/serving/connection_metrics.ts";
import type { ClientHandler, Front } from "../../../lib/serving/front.ts";
import { NodeFront } from "../../../lib/serving/node_front.ts";
import { openFront } from "../../../lib/serving/open_front.ts";

/** Each way to serve clients. */
export const FRONTS = ["runtime", "node"] as const;
/** One of them. */
export type FrontKind = typeof FRONTS[number];

/** Long enough for all of a test, ms. */
export const LONG_MS = 60_000;

const LISTEN = { hostname: "127.0.0.1", port: 0 };

/** What a bed's connections are held to; may change. */
export interface BedLimits {
  connectionCount: number;
  connectionsPerClient: number;
  clientHeaderMs: number;
  clientIdleMs: number;
}

/** A front on a free port of loopback. */
export class FrontBed implements AsyncDisposable {
  readonly metrics: ConnectionMetrics;
  readonly logLines: Record<string, unknown>[];

  private constructor(
    readonly front: Front,
    readonly limits: BedLimits,
    parts: { metrics: ConnectionMetrics; logLines: Record<string, unknown>[] },
  ) {
    this.metrics = parts.metrics;
    this.logLines = parts.logLines;
  }

  static async open(
    kind: FrontKind,
    handler: ClientHandler,
    said: Partial<BedLimits> = {},
  ): Promise<FrontBed> {
    const limits: BedLimits = {
      connectionCount: 100,
      connectionsPerClient: 100,
      clientHeaderMs: LONG_MS,
      clientIdleMs: LONG_MS,
      ...said,
    };
    const config: FrontConfig = { limits, timeouts: limits };
    const logLines: Record<string, unknown>[] = [];
    const logger = createLogger({ sink: (line) => logLines.push(JSON.parse(line)) });
    const metrics = new ConnectionMetrics();
    const parts = { config, metrics, clock: systemClock, logger };
    const front = kind === "runtime"
      ? await openFront({ listen: LISTEN, handler, ...parts })
      : await NodeFront.listen(LISTEN, { handler, logger, guard: new ConnectionGuard(parts) });
    return new FrontBed(front, limits, { metrics, logLines });
  }

  get port(): number {
    return this.front.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How many connections were closed for a reason. */
  closedCount(reason: string): number {
    return Number(
      new RegExp(`closed_total\\{reason="${reason}"\\} (\\d+)`).exec(this.metrics.render())?.[1] ?? 0,
    );
  }

  /** How many connections are open. */
  get openCount(): number {
    return Number(/^sollol_client_connections\{\} (\d+)$/m.exec(this.metrics.render())?.[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.front.shutdown();
  }
}
