import { parseTimer } from "../lib/config/fields.ts";
import { GatewayError, messageOf } from "../lib/errors.ts";
import { parseKeepAlive } from "../lib/ollama/keep_alive.ts";

/** What the headers of a request say of its turn; `undefined` where they say nothing. */
export interface RequestDemand {
  /** 0 to 10, the higher the sooner. */
  readonly priority: number | undefined;
  /** For how long it may wait for others' work, ms. */
  readonly maxWaitMs: number | undefined;
  /** For how long its model is to stay loaded once it is idle, ms. */
  readonly keepAliveMs: number | undefined;
  /** Where it is to go: `node`, `sharded`, or the name, URL or tag of a node or coordinator. */
  readonly wish: string | undefined;
  /** Whether the answer is to say in itself where it came from. */
  readonly tellsRouting: boolean;
}

/**
 * Reads `x-sollol-priority` (0 to 10), `x-sollol-max-wait` (a duration) and `x-sollol-keep-alive` (as Ollama's
 * `keep_alive`), `x-sollol-route` (an upstream's kind, name or tag) and `x-sollol-routing` (true or false): headers, since
 * they mean the same in every dialect.
 *
 * @throws {GatewayError} `invalid_request` naming the header at fault.
 */
export function readDemand(headers: Headers): RequestDemand {
  const read = <T>(name: string, parse: (text: string) => T): T | undefined => {
    const text = headers.get(name);
    if (text === null) return undefined;
    try {
      return parse(text);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new GatewayError("invalid_request", `The header ${name} is not right: ${messageOf(cause)}`, {
        cause,
        field: name,
      });
    }
  };
  return {
    priority: read("x-sollol-priority", parsePriority),
    maxWaitMs: read("x-sollol-max-wait", (text) => parseTimer(text)),
    keepAliveMs: read("x-sollol-keep-alive", parseKeepAlive),
    wish: read("x-sollol-route", parseWish),
    tellsRouting: read("x-sollol-routing", parseFlag) ?? false,
  };
}

function parsePriority(text: string): number {
  if (/^(\d|10)$/.test(text)) return Number(text);
  throw new RangeError(`"${text}" is no priority; write a whole number from 0 to 10`);
}

/** Reads where a request is to go. @throws {RangeError} If nobody is called so. */
export function parseWish(text: string): string {
  const wish = text.trim();
  if (wish !== "" && wish.length <= 500) return wish;
  throw new RangeError("write node, sharded, or the name of a node or coordinator");
}

function parseFlag(text: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new RangeError(`"${text}" is neither true nor false`);
}
