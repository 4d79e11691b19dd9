import { equal, rejects } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { createLogger } from "../../../lib/log.ts";
import { untilLocalAddress } from "../../../lib/worker/local_address.ts";
import { freePort } from "../../fixtures/free_port.ts";
import { ImpatientClock, until } from "./worker_bed.ts";

const signal = new AbortController().signal;

Deno.test("untilLocalAddress() is the address of our end of a connection to the gateway", async () => {
  using gateway = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = gateway.addr;
  const logger = createLogger({ sink: () => {} });
  equal(
    await untilLocalAddress({ transport: "tcp", hostname: "localhost", port }, { signal, logger }),
    "127.0.0.1",
  );
  equal(await untilLocalAddress({ transport: "unix", path: "/nowhere" }, { signal, logger }), "127.0.0.1");
});

Deno.test("untilLocalAddress() waits for a gateway that is not there yet, and says so once", async () => {
  const port = freePort();
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  const clock = new SlowlyImpatientClock();
  const waiting = untilLocalAddress({ transport: "tcp", hostname: "127.0.0.1", port }, {
    signal,
    logger,
    clock,
  });
  await until(() => clock.tryCount >= 3, "three tries");
  using _gateway = Deno.listen({ hostname: "127.0.0.1", port });
  equal(await waiting, "127.0.0.1");
  equal(lines.length, 1);
});

Deno.test("untilLocalAddress() ends with its signal", async () => {
  const reason = new Error("enough");
  const logger = createLogger({ sink: () => {} });
  const stop = new AbortController();
  const address = { transport: "tcp", hostname: "127.0.0.1", port: freePort() } as const;
  const waiting = untilLocalAddress(address, { signal: stop.signal, logger });
  setTimeout(() => stop.abort(reason), 50);
  await rejects(waiting, reason);
});

/** Counts tries, each of which has a deadline and a wait; a wait takes 20 ms. */
class SlowlyImpatientClock extends ImpatientClock {
  get tryCount(): number {
    return this.waitsMs.length / 2;
  }

  override async sleep(ms: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    this.waitsMs.push(ms);
    await delay(20, undefined, options);
  }
}
